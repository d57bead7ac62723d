# SPDX-License-Identifier: PostgreSQL
"""boto3 against a local endpoint."""

import boto3
from botocore.config import Config

from .fdw import ACCESS_KEY, SECRET_KEY


def _arguments(endpoint, retries):
    return {
        "endpoint_url": endpoint,
        "region_name": "us-east-1",
        "aws_access_key_id": ACCESS_KEY,
        "aws_secret_access_key": SECRET_KEY,
        "config": Config(
            retries={"total_max_attempts": retries + 1}, read_timeout=60, max_pool_connections=32
        ),
    }


def client(endpoint, retries=0):
    return boto3.client("dynamodb", **_arguments(endpoint, retries))


def resource(endpoint, retries=0):
    return boto3.resource("dynamodb", **_arguments(endpoint, retries))
