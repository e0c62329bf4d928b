"""Where the servers of a stack are: ours, or the external ones that the environment names."""

import os

from chatdev.components.versitygw import BUCKET
from chatdev.ports import HOST


def postgres_uri(stack):
    return os.environ.get("CHAT_POSTGRES_URI") or f"postgresql://chat@{HOST}:{stack.port('postgres')}/chat"


def mongo_uri(stack):
    return os.environ.get("CHAT_MONGO_URI") or f"mongodb://{HOST}:{stack.port('ferretdb')}/"


def redis_url(stack):
    return os.environ.get("CHAT_REDIS_URL") or f"redis://{HOST}:{stack.port('redis')}/0"


def kafka_brokers(stack):
    return os.environ.get("CHAT_KAFKA_BROKERS") or f"{HOST}:{stack.port('kafka')}"


def s3_endpoint(stack):
    return os.environ.get("CHAT_S3_ENDPOINT") or f"http://{HOST}:{stack.port('versitygw')}"


def s3_bucket():
    return os.environ.get("CHAT_S3_BUCKET") or BUCKET


def s3_keys(stack):
    """An external S3 server brings its keys along; ours has those of the stack."""
    if os.environ.get("CHAT_S3_ENDPOINT"):
        return os.environ.get("CHAT_S3_ACCESS_KEY", ""), os.environ.get("CHAT_S3_SECRET_KEY", "")
    return stack.secrets.s3_keys()


def smtp_url(stack):
    return os.environ.get("CHAT_SMTP_URL") or f"smtp://{HOST}:{stack.port('mailpit-smtp')}"


def mailpit_url(stack):
    return f"http://{HOST}:{stack.port('mailpit')}"


def for_tests(stack):
    """What integration tests read. Prefixed, so that a shell which has it still starts servers of its own."""
    access_key, secret_key = s3_keys(stack)
    return {
        "CHAT_TEST_POSTGRES_URI": postgres_uri(stack),
        "CHAT_TEST_MONGO_URI": mongo_uri(stack),
        "CHAT_TEST_REDIS_URL": redis_url(stack),
        "CHAT_TEST_KAFKA_BROKERS": kafka_brokers(stack),
        "CHAT_TEST_S3_ENDPOINT": s3_endpoint(stack),
        "CHAT_TEST_S3_BUCKET": s3_bucket(),
        "CHAT_TEST_S3_ACCESS_KEY": access_key,
        "CHAT_TEST_S3_SECRET_KEY": secret_key,
        "CHAT_TEST_SMTP_URL": smtp_url(stack),
        "CHAT_TEST_MAILPIT_URL": mailpit_url(stack),
    }
