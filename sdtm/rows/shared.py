"""Resources that belong to no patient and that patients' resources point at."""

from __future__ import annotations

from collections.abc import Iterable

from fhir2cdisc.fhir.accounts import Accounts
from fhir2cdisc.fhir.records import decode
from fhir2cdisc.fhir.route import Routed
from fhir2cdisc.fhir.servers import Servers
from fhir2cdisc.sdtm.rows.record_versions import latest_versions
from fhir2cdisc.sdtm.rows.resources import Index, Resource


def read_shared(routed: Iterable[Routed], servers: Servers, accounts: Accounts, other_way: bool = False) -> Index:
    """The index of the shared resources: of several versions of one the newest (see `record_versions`)."""
    items = []
    for head in routed:
        try:
            items.append(Resource(head, decode(head.raw)))
        except ValueError as error:
            accounts.reject(head.place, head.type, head.id, "json.invalid", str(error))
    index = Index(servers)
    for item in latest_versions(items, accounts, servers, other_way):
        head = item.head
        accounts.add(head.place, head.type, head.id, "mapped", "shared: patients' records point at it")
        index.add(item)
    return index
