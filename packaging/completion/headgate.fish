# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of headgate for fish. Commands, options and what their values are come from --help, when they are asked
# for: there is no second list of them.

function __headgate_commands # help
    string match -rg '^  ([a-z-]+  +.*)' -- (string join \n -- $argv | sed -n '/^Commands:/,/^$/p') | string replace -r '  +' \t
end

function __headgate_complete
    set -l words (commandline -opc)
    set -l command $words[1]
    set -l help ($command --help 2>/dev/null)
    for word in $words[2..-1]
        contains -- $word (__headgate_commands $help | string split -f 1 \t); or break
        set -a command $word
        set help ($command --help 2>/dev/null)
    end
    __headgate_commands $help
    string match -rg '^  (?:-h, )?(--[a-z-]+=?(?:[^ ]*)  +.*)' -- $help | string replace -r '=?[^ =]*  +' \t
    # A value, or what no option is for.
    if not contains -- Commands: $help
        set -l token (commandline -ct)
        set -l option (string match -r '^--[a-z-]+=' -- $token)
        for path in (__fish_complete_path (string replace -- "$option" '' $token))
            echo "$option"$path
        end
    end
end

complete -c headgate -f -a '(__headgate_complete)'
