"""What a user of boto 2 does in EC2-Classic. Usage: client_boto2.py URL VERSION

Half of it is signed with version 2, as boto did when the API version was new; the other half with version 4.
"""

import sys
from urllib.parse import urlparse

from boto.ec2.connection import EC2Connection
from boto.ec2.regioninfo import RegionInfo
from boto.exception import EC2ResponseError

url = urlparse(sys.argv[1])
region = RegionInfo(name="us-east-1", endpoint=url.hostname)


class Connection2(EC2Connection):
    """Signs with version 2."""

    def _required_auth_capability(self):
        return ["ec2"]


def connect(version, connection=EC2Connection, **options):
    return connection(is_secure=False, port=url.port, region=region, api_version=version, **options)


def fails(code, status, call, *args, **params):
    try:
        call(*args, **params)
    except EC2ResponseError as e:
        assert (e.error_code, e.status) == (code, status) and e.request_id, e
    else:
        raise AssertionError(f"no {code}")


def use(version, ec2):
    """Makes a group, opens it in every form, launches into it, and takes away what it can."""
    web = ec2.create_security_group("web", "Mary's web servers")
    assert web.id == (None if version < "2011-01-01" else ec2.get_all_security_groups(["web"])[0].id), web.id
    fails("InvalidGroup.Duplicate", 400, ec2.create_security_group, "web", "d")
    fails("InvalidGroup.NotFound", 400, ec2.get_all_security_groups, ["none"])

    assert ec2.authorize_security_group_deprecated("web", ip_protocol="tcp", from_port=80, to_port=80, cidr_ip="0.0.0.0/0")
    assert ec2.authorize_security_group_deprecated("web", src_security_group_name="default", src_security_group_owner_id="111122223333")
    rules = {("tcp", "80", "80"), ("icmp", "-1", "-1"), ("tcp", "1", "65535"), ("udp", "1", "65535")}
    if version >= "2010-08-31":
        assert web.authorize("udp", 53, 53, ["10.0.0.0/8", "203.0.113.7/32"])
        assert web.authorize(src_group=ec2.get_all_security_groups(["default"])[0], ip_protocol="tcp", from_port=8080, to_port=8080)
        fails("InvalidPermission.Duplicate", 400, web.authorize, "udp", 53, 53, "10.0.0.0/8")
        rules |= {("udp", "53", "53"), ("tcp", "8080", "8080")}
        found = ec2.get_all_security_groups(filters={"group-name": "we?"})
        assert [g.name for g in found] == ["web"], found
    if version >= "2011-01-01":  # before, groups have no ids by which they could be tagged
        shown = ec2.get_all_security_groups(["web"])[0]
        shown.add_tag("tier", "front")
        assert ec2.get_all_tags({"key": "tier"})[0].value == "front"
    shown = ec2.get_all_security_groups(["web"])[0]
    assert {(r.ip_protocol, r.from_port, r.to_port) for r in shown.rules} == rules, shown.rules
    assert (shown.owner_id, shown.description) == ("111122223333", "Mary's web servers"), shown

    launch = {"client_token": "once"} if version >= "2010-08-31" else {}
    reservation = ec2.run_instances("ami-fba54092", min_count=1, max_count=2, security_groups=["web"], instance_type="m1.small",
                                    user_data="#!/bin/sh", **launch)
    ids = [i.id for i in reservation.instances]
    assert len(ids) == 2, ids
    if launch:
        again = ec2.run_instances("ami-fba54092", min_count=1, max_count=2, security_groups=["web"], instance_type="m1.small",
                                  user_data="#!/bin/sh", **launch)
        assert [i.id for i in again.instances] == ids, again
    (reservation,) = ec2.get_all_instances(ids)
    # boto calls what is in groupId the id, as it was when that was the name.
    assert "web" in (reservation.groups[0].id, reservation.groups[0].name), reservation.groups
    assert {i.state for i in reservation.instances} == {"pending"}, reservation
    if version >= "2011-11-01":
        assert ec2.get_all_instance_status(ids) == []  # none runs
    fails("InvalidGroup.InUse", 400, ec2.delete_security_group, "web")
    fails("InvalidInstanceID.NotFound", 400, ec2.terminate_instances, ["i-00000000"])
    assert {i.id for i in ec2.terminate_instances(ids)} == set(ids)

    address = ec2.allocate_address()
    assert [a.public_ip for a in ec2.get_all_addresses()] == [address.public_ip]
    assert address.release()
    assert ec2.revoke_security_group_deprecated("web", ip_protocol="tcp", from_port=80, to_port=80, cidr_ip="0.0.0.0/0")
    assert ec2.create_security_group("short-lived", "d") and ec2.delete_security_group("short-lived")


version = sys.argv[2]
use(version, connect(version, Connection2))
connection = connect(version)
assert {g.name for g in connection.get_all_security_groups()} == {"default", "web"}
assert connection.revoke_security_group_deprecated("web", ip_protocol="tcp", from_port=1, to_port=1, cidr_ip="0.0.0.0/0")
for kind in Connection2, EC2Connection:
    fails("SignatureDoesNotMatch", 403, connect(version, kind, aws_secret_access_key="wrong").get_all_security_groups)
    fails("AuthFailure", 401, connect(version, kind, aws_access_key_id="AKIANOBODY").get_all_security_groups)
    fails("NoSuchVersion", 400, connect("2007-01-01", kind).get_all_security_groups)
