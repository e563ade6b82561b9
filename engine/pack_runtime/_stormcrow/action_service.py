"""What an action gets as `action_service`: the datastore and its user, over the REST API."""

import json
import os
from urllib.parse import quote, urlencode

TIMEOUT_S = 30.0
SYSTEM_SCOPES = ("system", "st2kv.system")


class KeyValue:
    """A key of the datastore, with what the API says of it as attributes."""

    def __init__(self, document):
        self.name = None
        self.value = None
        self.__dict__.update(document)

    def __repr__(self):
        return "<KeyValue %s>" % self.name


class RestApi:
    """A client of the server that started us; address and token stand in the environment."""

    def __init__(self, environment=None):
        names = os.environ if environment is None else environment
        url = names.get("ST2_ACTION_API_URL") or names.get("ST2_API_URL") or "http://127.0.0.1:9101/v1"
        self.url = url.rstrip("/")
        self.token = names.get("ST2_ACTION_AUTH_TOKEN") or names.get("ST2_AUTH_TOKEN") or ""

    def call(self, method, path, query=None, body=None):
        """The decoded answer, None for an empty one. Raises urllib.error.HTTPError and URLError."""
        # Imported here, because it takes longer than many an action.
        import urllib.request

        url = self.url + path
        if query:
            url += "?" + urlencode(query)
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["X-Auth-Token"] = self.token
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        # No proxy: the server is ours, and the token must not travel through one.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=TIMEOUT_S) as response:
            text = response.read()
        return json.loads(text.decode()) if text else None


class DatastoreService:
    """Keys of the datastore; with `local`, those of this class of this pack only."""

    def __init__(self, pack_name, class_name, logger=None):
        self._prefix = "%s.%s:" % (pack_name, class_name)
        self._logger = logger

    def get_user_info(self):
        return RestApi().call("GET", "/user")

    def get_api_client(self):
        """An st2client `Client` that acts as this run; st2client is in the pack's environment."""
        from st2client.client import Client

        api = RestApi()
        return Client(api_url=api.url, token=api.token)

    def list_values(self, local=True, prefix=None, limit=None, offset=None):
        """Keys as objects with `name` (in full) and `value`."""
        query = {"prefix": self._full_name(prefix or "", local)}
        query.update({key: value for key, value in (("limit", limit), ("offset", offset)) if value})
        return [KeyValue(document) for document in RestApi().call("GET", "/keys", query)]

    def get_value(self, name, local=True, scope="system", decrypt=False):
        """The value, text; None where there is none, and where it cannot be read."""
        check_scope(scope)
        query = {"scope": scope, "decrypt": "true" if decrypt else "false"}
        try:
            return RestApi().call("GET", self._path(name, local), query).get("value")
        except (OSError, ValueError, AttributeError) as error:
            if self._logger is not None:
                self._logger.debug("The key %s was not read: %s", name, error)
            return None

    def set_value(self, name, value, ttl=None, local=True, scope="system", encrypt=False):  # noqa: PLR0917  (StackStorm's signature)
        """Store `str(value)`; `ttl` in seconds. True."""
        check_scope(scope)
        body = {"name": self._full_name(name, local), "value": str(value), "scope": scope}
        if encrypt:
            body["secret"] = True
        if ttl:
            body["ttl"] = ttl
        RestApi().call("PUT", self._path(name, local), None, body)
        return True

    def delete_value(self, name, local=True, scope="system"):
        """True when there was such a key."""
        check_scope(scope)
        from urllib.error import HTTPError

        try:
            RestApi().call("DELETE", self._path(name, local), {"scope": scope})
        except HTTPError as error:
            if error.code != 404:
                raise
            return False
        return True

    def _full_name(self, name, local):
        return self._prefix + name if local else name

    def _path(self, name, local):
        return "/keys/" + quote(self._full_name(name, local), safe="")


class _Wrapper:
    """What some packs read through `action_service._action_wrapper`."""

    def __init__(self, pack_name, class_name, user):
        self._pack = pack_name
        self._class_name = class_name
        self._user = user


class ActionService(DatastoreService):
    def __init__(self, pack_name, class_name, user, logger=None):
        super().__init__(pack_name, class_name, logger)
        self._action_wrapper = _Wrapper(pack_name, class_name, user)

    @property
    def datastore_service(self):
        return self


def check_scope(scope):
    if scope not in SYSTEM_SCOPES:
        raise ValueError('Scope "%s" is unsupported; only "system" is.' % scope)
