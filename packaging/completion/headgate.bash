# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of headgate for bash. Commands, options and what their values are come from --help, when they are asked
# for: there is no second list of them.

_headgate() {
  # shellcheck disable=SC2034  # _init_completion sets them all
  local cur prev words cword split help word
  _init_completion -s || return
  local command=("${words[0]}")
  help=$("${command[@]}" --help 2>/dev/null)
  for word in "${words[@]:1:cword-1}"; do
    _headgate_commands "$help" | grep -qxF -e "$word" || break
    command+=("$word")
    help=$("${command[@]}" --help 2>/dev/null)
  done
  case $prev in
    --*)
      case $(sed -n "s/^  $prev=\([A-Z]*\).*/\1/p" <<<"$help") in
        '') ;; # an option without a value
        FILE) _filedir && return ;;
        DIR) _filedir -d && return ;;
        *) return ;;
      esac
      [ "$split" = false ] || return
      ;;
  esac
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(sed -n 's/^  \(-h, \)\?\(--[a-z-]*=\?\).*/\2/p' <<<"$help")" -- "$cur")
    [[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace
  elif [[ $help == *$'\nCommands:\n'* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_headgate_commands "$help")" -- "$cur")
  else
    _filedir
  fi
}

_headgate_commands() { # help
  sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' <<<"$1"
}

complete -F _headgate headgate
