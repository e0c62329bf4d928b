"""R30: what operators see is true: one message is one trace through all daemons, and the lag is the broker's own."""

import asyncio

import pytest
from client import attempts
from fleet import slowness
from groups import Group
from otlp import collector
from outages import Traffic, without

TRACED = ("websocket-gateway", "message-service", "notification-service")
# Each span of a message's way, and the one that it follows from.
WAY = {
    ("websocket-gateway", "websocket send"): None,
    ("message-service", "message.created process"): ("websocket-gateway", "websocket send"),
    ("websocket-gateway", "message.persisted process"): ("message-service", "message.created process"),
    ("notification-service", "message.persisted process"): ("message-service", "message.created process"),
    ("notification-service", "notify"): ("notification-service", "message.persisted process"),
    ("notification-service", "notification.new process"): ("notification-service", "notify"),
}
LAG_SECONDS = 1  # as old as the metric may be; a tick of the consumer


@pytest.mark.long
async def test_one_message_is_one_trace(people, fleet):
    ada, bob = await people.join("Ada", "Bob")  # Bob is away, so that he is notified
    chat_id = (await ada.make_group("Engines", bob))["chat_id"]
    with collector() as (address, spans):
        try:
            for name in TRACED:
                await asyncio.to_thread(fleet.restart, name, otlp_endpoint=address, trace_sample_permille=1000)
            socket = await people.connect(ada, fleet.gateways()[0])
            _, outcome = await socket.say(chat_id, "who saw this?")
            assert outcome["t"] == "persisted"
            async for _ in attempts("a trace with all that happens to a message"):
                found = _whole_trace(spans)
                if found:
                    break
        finally:
            for name in TRACED:
                await asyncio.to_thread(fleet.restart, name)

    by_id = {one.span_id: one for one in found.values()}
    for place, parent in WAY.items():
        above = by_id.get(found[place].parent_id)
        assert (above and (above.service, above.name)) == parent, f"{place} follows from {above}"
    assert not [one for one in found.values() if one.failed]


def _whole_trace(spans):
    """{(service, name): span} of one trace that has every part of the way."""
    for trace_id in {one.trace_id for one in spans}:
        found = {(one.service, one.name): one for one in spans if one.trace_id == trace_id}
        if set(WAY) <= set(found):
            return {place: found[place] for place in WAY}
    return None


def shown_lag(fleet, group):
    """Summed over partitions and processes."""
    labels = (f'topic="{group.topic}"', f'group="{group.name}"')
    lines = [line for one in fleet.daemons().values() if "message-service" in one.name for line in one.metrics()]
    return sum(
        float(line.split()[-1])
        for line in lines
        if line.startswith("kafka_consumer_lag{") and all(label in line for label in labels)
    )


@pytest.mark.long
async def test_the_lag_that_is_shown_is_the_lag(people, fleet):
    """It grows while the store is away, as the broker sees it, and is gone afterwards."""
    group = Group("message-service", "message.created")
    traffic = await Traffic.begin(people, fleet, 10)
    async with without(fleet, "ferretdb", 0):
        await asyncio.wait_for(traffic.talking, 60)
        true_lag = sum(group.lags().values())
        assert true_lag > 100, "the fault has not bitten"
        async for _ in attempts("the metric shows the lag", seconds=LAG_SECONDS + 2 * slowness()):
            shown = await asyncio.to_thread(shown_lag, fleet, group)
            if shown == true_lag:
                break
    print(f"\n{true_lag} records behind, {shown:.0f} shown")
    async for _ in attempts("nothing is behind"):
        if await asyncio.to_thread(shown_lag, fleet, group) == sum(group.lags().values()) == 0:
            break
    await traffic.ends_well()
