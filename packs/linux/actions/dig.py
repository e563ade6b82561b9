"""linux.dig: ask the name service, without any program but Python."""

import ipaddress
import random

import name_service
from st2common.runners.base_action import Action

NO_SUCH_NAME = 3


class DigAction(Action):
    def run(self, *, hostname, querytype="A", nameserver=None, queryopts="short", count=0, rand=False):
        """A list of texts: values, or with `queryopts` without short whole records. Empty when there is none.

        An address with type A is asked for its name. Raises NameServiceError; OSError when no server answers.
        """
        options = {option.strip().lstrip("+") for option in (queryopts or "").split(",")}
        querytype = querytype.upper()
        if querytype == "A" and is_address(hostname):
            querytype = "PTR"
        found = self._ask(hostname, querytype, nameserver, tcp="tcp" in options)
        if "short" in options:
            texts = [value for _name, _ttl_s, _type, value in found]
        else:
            texts = [f"{name} {ttl_s} IN {kind} {value}" for name, ttl_s, kind, value in found]
        if rand:
            random.shuffle(texts)
        return texts[:count] if count > 0 else texts

    def _ask(self, hostname, querytype, nameserver, tcp):
        """The first server that answers counts; HOST#PORT names a port, as dig writes it."""
        failure = None
        for server in [nameserver] if nameserver else name_service.servers():
            host, _, port = server.partition("#")
            try:
                return name_service.ask(hostname, querytype, host, port=int(port or 53), tcp=tcp)
            except name_service.NameServiceError as error:
                if error.code == NO_SUCH_NAME:
                    return []
                failure = error
            except OSError as error:
                self.logger.warning("no answer from %s: %s", server, error)
                failure = error
        raise failure


def is_address(text):
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
