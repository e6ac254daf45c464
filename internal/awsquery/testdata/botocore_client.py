"""Calls an endpoint through botocore, and prints what botocore made of the answers.

Usage: botocore_client.py ENDPOINT NAME
"""
import json
import sys
import urllib.request

import botocore.config
import botocore.exceptions
import botocore.session

endpoint, name = sys.argv[1:]
session = botocore.session.Session()
session.set_credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def client(service, **config):
    return session.create_client(
        service,
        region_name="eu-west-1",
        endpoint_url=endpoint,
        config=botocore.config.Config(retries={"max_attempts": 0}, **config),
    )


call = {"GroupNames": [name], "Filters": [{"Name": "group-name", "Values": [name, "x"]}]}
ec2 = client("ec2")
answers = [ec2.describe_security_groups(**call)["SecurityGroups"][0]["GroupName"]]
answers.append(client("sts").get_caller_identity()["Account"])

url = ec2.generate_presigned_url("describe_security_groups", call, ExpiresIn=60, HttpMethod="GET")
answers.append(urllib.request.urlopen(url).status)

try:
    ec2.describe_security_groups(GroupNames=["missing"])
except botocore.exceptions.ClientError as e:
    answers.append([e.response["Error"]["Code"], e.response["Error"]["Message"], e.response["ResponseMetadata"]["RequestId"]])

print(json.dumps(answers))
