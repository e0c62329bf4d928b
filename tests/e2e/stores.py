"""What the stores hold, whatever the API shows of it: every document of FerretDB, by way of its PostgreSQL, and Redis."""

import asyncio
import os
import subprocess

SCHEMAS = ("chat_service", "message_service", "notification_service")
SECONDS = 60
# One row for each table that has the word somewhere. It may be one that no log shall hold, and large tables take long.
SEARCH = """
SET log_min_duration_statement = -1;
SELECT format('SELECT %L WHERE EXISTS (SELECT FROM %I.%I WHERE _jsonb::text LIKE %L)',
              schemaname || '.' || regexp_replace(relname, '_[0-9a-f]{8}$', ''), schemaname, relname, '%' || :'word' || '%')
FROM pg_stat_user_tables WHERE schemaname = ANY (string_to_array(:'schemas', ',')) \\gexec
"""
SEARCH_KEYS = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  if redis.call('TYPE', key).ok == 'string' and string.find(redis.call('GET', key), ARGV[1], 1, true) then
    table.insert(found, string.match(key, '^[^:]*'))
  end
end
return found
"""


def _run(command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"
    return set(done.stdout.split())


def ferretdb():
    """Where the database behind FerretDB is."""
    uri, _, _ = os.environ["CHAT_TEST_POSTGRES_URI"].rpartition("/")
    return f"{uri}/ferretdb"


def _collections_with(word):
    command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-v", f"word={word}", "-v", f"schemas={','.join(SCHEMAS)}", ferretdb()]
    return _run(command, SEARCH)


def _keys_with(word):
    return _run(["redis-cli", "-u", os.environ["CHAT_TEST_REDIS_URL"], "EVAL", SEARCH_KEYS, "0", word])


async def places_of(word):
    """{"chat_service.chats", ..., "chat-card"}: the collections, and the families of Redis keys, that hold it."""
    collections, keys = await asyncio.gather(asyncio.to_thread(_collections_with, word), asyncio.to_thread(_keys_with, word))
    return collections | keys
