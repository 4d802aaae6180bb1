# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/openapi.yaml: whether an answer is one that it allows."""
import re

import jsonschema
import yaml

EVERYWHERE = {401, 403, 404, 405, 411, 413, 414, 429}


class OpenApi:
    def __init__(self, text):
        self.document = yaml.safe_load(text)
        schema = jsonschema.Draft202012Validator
        self.resolver = jsonschema.RefResolver("", self.document)
        self.validator = lambda part: schema(part, resolver=self.resolver)
        self.answered = set()  # (method, template, status)

    def routes(self):
        return {(method.upper(), path) for path, item in self.document["paths"].items() for method in item
                if method in ("get", "post", "put", "patch", "delete")}

    def find(self, method, path):
        """The template that a path fits, or None; one without parameters first."""
        for template in sorted(self.document["paths"], key=lambda one: one.count("{")):
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path) and method.lower() in self.document["paths"][template]:
                return template
        return None

    def resolve(self, part):
        return self.resolver.resolve(part["$ref"])[1] if "$ref" in part else part

    def check(self, method, path, status, kind, content):
        template = self.find(method, path)
        name = f"{method} {path}: {status}"
        answers = self.document["paths"][template][method.lower()]["responses"] if template else {}
        if str(status) in answers:
            self.answered.add((method, template, status))
            media = self.resolve(answers[str(status)])["content"]
            assert kind in media, f"{name} is {kind}, not one of {list(media)}"
            schema = media[kind]["schema"]
        else:
            assert status in EVERYWHERE, f"{name} is no answer of docs/openapi.yaml"
            schema = self.document["components"]["schemas"]["Error"]
        faults = [f"{'/'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in
                  self.validator(schema).iter_errors(content)]
        assert not faults, f"{name}: {faults}"
