"""Resources that belong to no patient and that patients' resources point at."""

from __future__ import annotations

from collections.abc import Iterable

from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.deletions import Deletions
from fhir2cdisc.fhir.records import decode
from fhir2cdisc.fhir.route import Routed
from fhir2cdisc.fhir.servers import Servers
from fhir2cdisc.fhir.versions import other_version
from fhir2cdisc.sdtm.rows.record_versions import latest_versions
from fhir2cdisc.sdtm.rows.resources import Index, Resource, as_r4, not_read, without_deleted


def read_shared(
    routed: Iterable[Routed],
    servers: Servers,
    accounts: Accounts,
    deletions: Deletions | None = None,
    other_way: bool = False,
) -> Index:
    """The index of the shared resources: of several versions of one the newest (see `record_versions`)."""
    items = []
    for head in without_deleted(list(routed), deletions or Deletions(servers), accounts):
        try:
            item = Resource(head, decode(head.raw))
        except ValueError as error:
            accounts.reject(head.place, head.type, head.id, "json.invalid", str(error))
            continue
        sign = other_version(item.resource)
        if sign and sign[1] != "R5":
            accounts.reject(head.place, head.type, head.id, "version.element", not_read(sign), sign[0])
        else:
            items.append(as_r4(item, accounts) if sign else item)
    index = Index(servers)
    for item in latest_versions(items, accounts, servers, other_way):
        head = item.head
        accounts.add(head.place, head.type, head.id, "mapped", "shared: patients' records point at it")
        index.add(item)
    return index
