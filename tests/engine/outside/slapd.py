"""A real LDAP server (slapd) on loopback, with people and groups in it."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.bot.adapters.errbot.servers import until
from tests.bot.adapters.errbot.xmpp_server import self_signed
from tests.conftest import missing
from tests.ports import free_port

BASE = "dc=example,dc=org"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
READER, READER_PASSWORD = f"cn=reader,{BASE}", "reads-things"
PASSWORD = "correct horse"
_CONF = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCACertificateFile {folder}/localhost.crt
TLSCertificateFile {folder}/localhost.crt
TLSCertificateKeyFile {folder}/localhost.key
database mdb
suffix "{base}"
rootdn "cn=root,{base}"
rootpw root
maxsize 16777216
directory {folder}/db
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
"""


def _person(uid: str, *, dn: str = "", password: str = PASSWORD) -> str:
    lines = (
        f"dn: {dn or f'uid={uid},{PEOPLE}'}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n"
    )
    return lines + (f"userPassword: {password}\n" if password else "") + "\n"


def _group(cn: str, *members: str) -> str:
    return (
        f"dn: cn={cn},{GROUPS}\nobjectClass: groupOfNames\ncn: {cn}\n"
        + "".join(f"member: {one if '=' in one else f'uid={one},{PEOPLE}'}\n" for one in members)
        + "\n"
    )


def _data(referral: str) -> str:
    return (
        f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n"
        f"dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people\n\n"
        f"dn: {GROUPS}\nobjectClass: organizationalUnit\nou: groups\n\n"
        f"dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n"
        f"cn: reader\nuserPassword: {READER_PASSWORD}\n\n"
        + "".join(_person(name) for name in ("ann", "bob", "Cat", "admin", "web.eve", "~tilde"))
        + _person("twin", dn=f"cn=first,{PEOPLE}")
        + _person("twin", dn=f"cn=second,{PEOPLE}")
        + _person("nopass", password="")
        + f"dn: cn=away,{PEOPLE}\nobjectClass: referral\nobjectClass: extensibleObject\ncn: away\n"
        f"ref: {referral}\n\n"
        + _group("ops", "ann", "Cat")
        + _group("oncall", f"cn=ops,{GROUPS}")
        + _group("everybody", f"cn=oncall,{GROUPS}", "bob", f"cn=everybody,{GROUPS}")
        + f"dn: cn=unix,{GROUPS}\nobjectClass: posixGroup\ncn: unix\ngidNumber: 7\nmemberUid: ann\n\n"
    )


class Slapd:
    """Listens on `port` (StartTLS) and on `tls_port`; `cacert` signs for localhost."""

    def __init__(self, folder: Path, *, referral: str = "ldap://127.0.0.1:1/") -> None:
        found = shutil.which("slapd") or shutil.which("slapd", path="/usr/sbin:/usr/local/libexec")
        if found is None or not Path("/etc/ldap/schema/nis.schema").exists():
            missing("slapd")
        # AppArmor keeps the one in /usr/sbin within Debian's own folders.
        program = folder / "slapd"
        shutil.copy(str(found), program)
        self.cacert = self_signed(folder)
        (folder / "db").mkdir()
        conf, data = folder / "slapd.conf", folder / "data.ldif"
        conf.write_text(_CONF.format(folder=folder, base=BASE), encoding="utf-8")
        data.write_text(_data(referral), encoding="utf-8")
        subprocess.run([program, "-Tadd", "-f", conf, "-l", data], check=True, timeout=60)
        self.port, self.tls_port = free_port(), free_port()
        self._log = folder / "slapd.log"
        urls = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-f", conf, "-h", urls, "-d", "0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "LDAPNOINIT": "1"},
            )
        until(self._is_up)

    def _is_up(self) -> bool:
        import socket

        assert self._process.poll() is None, self._log.read_text(errors="replace")
        for port in (self.port, self.tls_port):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)):
                    return False
        return True

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(15)
