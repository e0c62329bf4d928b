"""R14: minutes of talk and requests in which one thing after the other dies. Outside the windows of these faults nearly
everything succeeds at once; over all, 99 of 100 in ten minutes. CHAT_FAULTS_SECONDS says for how long (600)."""

import asyncio
import os
import time

import pytest
from callers import Callers
from invariants import Ledger
from talkers import Crowd

SECONDS = int(os.environ.get("CHAT_FAULTS_SECONDS", "600"))
SETTING_UP_SECONDS = 300
MESSAGES_PER_S, REQUESTS_PER_S = 40, 10
REFRESHES_PER_S = 0.05  # a token lives for ten minutes
PEOPLE, CHATS = 6, 6
RECOVERY_SECONDS = 15  # belongs to a fault's window: flow after a broker's death may take so long
SETTLE_SECONDS = 90
GOOD_OUTSIDE, GOOD_IN_ALL = 0.999, 0.99

# What dies, and for how long it is away.
FAULTS = (("message-service-1", 2), ("websocket-gateway-1", 2), ("kafka", 5), ("ferretdb", 5), ("redis", 2))


async def kill_one_after_the_other(fleet):
    """The windows in which faults may show: [(from, to)]."""
    windows = []
    for name, away_seconds in FAULTS:
        await asyncio.sleep(SECONDS / len(FAULTS) / 2)
        began = time.monotonic()
        pid = await asyncio.to_thread(fleet.kill, name)
        await asyncio.sleep(away_seconds)
        await asyncio.to_thread(fleet.restart, name)
        assert fleet.daemons()[name].pid != pid, f"{name} was not killed"
        windows.append((began, time.monotonic() + RECOVERY_SECONDS))
        print(f"{name}: away for {time.monotonic() - began:.1f} s")
        await asyncio.sleep(max(0.0, SECONDS / len(FAULTS) / 2 - (time.monotonic() - began)))
    return windows


async def stay_signed_in(crowd, ada):
    """What has died may refuse it: then the next round asks again."""
    while True:
        try:
            async for _ in crowd.renew_tokens(REFRESHES_PER_S):
                await ada.refresh()
        except AssertionError as refused:
            print(f"a token could not be renewed: {refused}")


def share_of_good(calls, sends, refused):
    """Requests and sends together; a send that was refused was one more try."""
    bad = sum(not one.good for one in calls) + len(refused)
    return 1 - bad / (len(calls) + len(sends) + len(refused))


@pytest.mark.long(seconds=SECONDS + SETTING_UP_SECONDS + SETTLE_SECONDS)
async def test_what_dies_is_hardly_noticed(people, fleet):
    crowd = await Crowd.gather(
        people, fleet.gateways(), Ledger(), PEOPLE, CHATS, 2 * SECONDS * MESSAGES_PER_S, MESSAGES_PER_S
    )
    await crowd.remember_heads()
    ada, bob = await people.join("Ada", "Bob")
    chat_id = (await ada.make_group("Asked for", bob))["chat_id"]
    callers = Callers([fleet.daemons()["api-gateway-1"]], ada, chat_id)

    talking = asyncio.create_task(crowd.talk())
    calling = asyncio.create_task(callers.run(REQUESTS_PER_S))
    renewing = asyncio.create_task(stay_signed_in(crowd, ada))
    windows = await kill_one_after_the_other(fleet)
    calling.cancel()
    crowd.hush()
    await talking
    assert not renewing.done(), renewing.exception()
    renewing.cancel()
    await callers.close()
    await crowd.until_stored(len(crowd.ledger.sends), SETTLE_SECONDS)

    def outside(moment):
        return not any(began <= moment <= ended for began, ended in windows)

    sends = [at for one in crowd.talkers for at in one.accepted_at.values()]
    refused = [at for one in crowd.talkers for at in one.refused_at]
    calm = [one for one in callers.calls if outside(one.at)]
    good_outside = share_of_good(calm, [at for at in sends if outside(at)], [at for at in refused if outside(at)])
    good_in_all = share_of_good(callers.calls, sends, refused)
    print(
        f"{len(callers.calls)} requests, {len(sends)} sends, {len(refused)} refused: {good_in_all:.3%} good, "
        f"{good_outside:.3%} outside of {len(windows)} faults; {[one for one in calm if not one.good]}"
    )
    assert crowd.count_accepted() == len(crowd.ledger.sends)
    await crowd.check()
    await crowd.leave()
    assert good_outside >= GOOD_OUTSIDE
    assert good_in_all >= GOOD_IN_ALL
