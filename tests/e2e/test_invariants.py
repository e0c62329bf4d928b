"""The checker itself: it accepts what is right and finds each kind of violation. No server is needed."""

import copy

import pytest
from invariants import Evidence, InvariantViolation, Ledger, check

ADA, BOB, EVE = "ada", "bob", "eve"
CHAT = "chat"


def a_message(seq, sender, body, **other):
    message = {"message_id": f"m{seq}", "chat_id": CHAT, "seq": seq, "sender_id": sender, "type": "text", "body": body}
    return message | {"version": 1, "deleted": False} | other


@pytest.fixture
def story():
    """Ada says one and three, Bob says two; both read everything, Bob listens."""
    ledger = Ledger()
    for number, (sender, body) in enumerate([(ADA, "one"), (BOB, "two"), (ADA, "three")], 1):
        ledger.sent(sender, CHAT, f"c{number}", body)
        ledger.accepted(sender, f"c{number}", f"m{number}")
    history = [a_message(1, ADA, "one"), a_message(2, BOB, "two"), a_message(3, ADA, "three")]
    evidence = Evidence(members={CHAT: {ADA, BOB}})
    evidence.histories = {(ADA, CHAT): history, (BOB, CHAT): copy.deepcopy(history)}
    evidence.live[BOB] = [history[0], history[2]]  # his own comes as an answer
    return ledger, evidence


def violations(story):
    with pytest.raises(InvariantViolation) as found:
        check(*story)
    return {line[:3] for line in found.value.lines}


def for_all_readers(evidence, change):
    for key, messages in evidence.histories.items():
        evidence.histories[key] = change(messages)


def test_what_is_right_passes(story):
    check(*story)


def test_1_an_accepted_message_is_lost(story):
    for_all_readers(story[1], lambda messages: messages[:2])
    story[1].live[BOB].pop()
    assert violations(story) == {"(1)"}


def test_1_an_accepted_message_is_stored_twice(story):
    for_all_readers(story[1], lambda messages: messages + [a_message(4, ADA, "three", message_id="m3")])
    assert "(1)" in violations(story)


def test_1_a_history_that_nobody_read_proves_nothing(story):
    story[1].histories.clear()
    assert "(1)" in violations(story)


def test_1_a_rejected_message_may_be_missing(story):
    story[0].sent(ADA, CHAT, "c4", "four")
    story[0].accepted(ADA, "c4", "m4")
    story[0].rejected(ADA, "c4")
    check(*story)


def test_1_an_unanswered_message_may_be_there_or_not(story):
    story[0].sent(BOB, CHAT, "c4", "four")
    check(*story)
    for_all_readers(story[1], lambda messages: [*messages, a_message(4, BOB, "four")])
    check(*story)


def test_2_history_has_what_nobody_sent(story):
    for_all_readers(story[1], lambda messages: [*messages, a_message(4, BOB, "who wrote this?")])
    assert violations(story) == {"(2)"}


def test_2_system_messages_are_nobodys(story):
    system = a_message(4, "system", "", type="system")
    for_all_readers(story[1], lambda messages: [*messages, system])
    story[1].live[BOB].append(system)
    check(*story)


def test_3_a_hole_in_seq(story):
    for_all_readers(story[1], lambda messages: [*messages[:2], a_message(4, ADA, "three", message_id="m3")])
    assert "(3)" in violations(story)


def test_3_a_repeated_seq(story):
    for_all_readers(story[1], lambda messages: [*messages[:2], a_message(2, ADA, "three", message_id="m3")])
    assert "(3)" in violations(story)


def test_3_two_readers_see_different_orders(story):
    one, two, three = story[1].histories[BOB, CHAT]
    story[1].histories[BOB, CHAT] = [two | {"seq": 1}, one | {"seq": 2}, three]
    assert "(3)" in violations(story)


def test_3_one_reader_misses_the_end(story):
    story[1].histories[BOB, CHAT].pop()
    assert violations(story) == {"(3)"}


def swapped(messages):
    one, two, three = messages
    return [three | {"seq": 1}, two, one | {"seq": 3}]


def test_4_a_senders_messages_changed_places(story):
    for_all_readers(story[1], swapped)
    story[1].live[BOB] = [one for one in story[1].histories[BOB, CHAT] if one["sender_id"] == ADA]
    assert violations(story) == {"(4)"}


def test_4_a_retried_message_may_take_either_place(story):
    story[0].sent(ADA, CHAT, "c1", "one")
    story[0].accepted(ADA, "c1", "m1")
    check(*story)
    for_all_readers(story[1], swapped)
    story[1].live[BOB] = [one for one in story[1].histories[BOB, CHAT] if one["sender_id"] == ADA]
    check(*story)


def test_5_a_live_message_did_not_come(story):
    story[1].live[BOB].pop(0)
    assert violations(story) == {"(5)"}


def test_5_live_messages_came_in_the_wrong_order(story):
    story[1].live[BOB].reverse()
    assert violations(story) == {"(5)"}


def test_5_repeats_are_no_violation(story):
    story[1].live[BOB] = [message for message in story[1].live[BOB] for _ in range(2)]
    check(*story)


def test_5_a_later_listener_misses_nothing_of_its_time(story):
    story[1].listening_from[BOB, CHAT] = 1
    story[1].live[BOB].pop(0)
    check(*story)


def test_6_a_stranger_hears_live(story):
    story[1].live[EVE] = [story[1].histories[ADA, CHAT][0]]
    assert violations(story) == {"(6)"}


def test_6_a_stranger_reads_history(story):
    story[1].histories[EVE, CHAT] = story[1].histories[ADA, CHAT]
    assert violations(story) == {"(6)"}


def test_7_an_older_edit_won(story):
    story[0].edited("m1", 2, "uno")
    story[0].edited("m1", 3, "eins")
    for_all_readers(story[1], lambda messages: [messages[0] | {"version": 2, "body": "uno"}, *messages[1:]])
    assert violations(story) == {"(7)"}


def test_7_the_last_edit_holds(story):
    story[0].edited("m1", 3, "eins")
    story[0].edited("m1", 2, "uno")
    for_all_readers(story[1], lambda messages: [messages[0] | {"version": 3, "body": "eins"}, *messages[1:]])
    check(*story)


def test_7_a_deleted_message_came_back(story):
    story[0].deleted("m1", 2)
    assert violations(story) == {"(7)"}


def test_the_message_names_who_where_and_what(story):
    story[1].live[BOB].pop(0)
    with pytest.raises(InvariantViolation, match=r"bob live in chat: 1 missing, first seq 1"):
        check(*story)
