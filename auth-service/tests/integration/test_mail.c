/* How mails leave the outbox: over TLS or not at all, later, or never; on a mail server that
 * answers as a test says. */

#include "testing.h"

#include "fake_smtp.h"
#include "mail/outbox.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/log.h"

#define MAIL_ID   "01a219e6-b4bb-7378-aeac-57f3b70e694d"
#define RECIPIENT "ada@example.org"
#define WAITS     "a mail has to wait"
#define GIVEN_UP  "a mail was given up"
#define PATIENCE  10000
#define LOG_BYTES 16384

struct fixture {
    struct fake_smtp *server;
    struct outbox_store *store;
    struct mail_outbox *mails;
    int log, usual_stdout;
    const char *awaited;
    char logged[LOG_BYTES];
};

/* What is logged goes into a file as long as the test runs. */
static void keep_log(struct fixture *f)
{
    char path[TEST_FOLDER_SIZE + 8];
    (void)snprintf(path, sizeof path, "%s/log", test_folder());
    (void)fflush(stdout);
    f->log = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    f->usual_stdout = dup(STDOUT_FILENO);
    (void)dup2(f->log, STDOUT_FILENO);
}

static int set_up(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);
    const struct fake_smtp_answers usual = {.starttls = true};
    cc_log_init("auth-service", "test", CC_LOG_INFO);
    f->server = fake_smtp_start(&usual);
    f->store = outbox_store_memory_create();
    keep_log(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    mail_outbox_stop(f->mails);
    (void)dup2(f->usual_stdout, STDOUT_FILENO);
    close(f->usual_stdout);
    close(f->log);
    outbox_store_destroy(f->store);
    fake_smtp_stop(f->server);
    cc_free(f);
    return 0;
}

static void queue_mail(struct fixture *f)
{
    struct cc_error err = {0};
    const int64_t now_ms = cc_wall_ms(cc_clock_system());
    const struct outbox_mail mail = {.mail_id = MAIL_ID,
                                     .recipient = RECIPIENT,
                                     .subject = "Your code",
                                     .text = "123456",
                                     .html = "<p>123456</p>",
                                     .created_at_ms = now_ms,
                                     .expires_at_ms = now_ms + 600000};
    assert_int_equal(outbox_add_mail(f->store, &mail, &err), CC_OK);
}

enum trust { TRUSTS_NOBODY, TRUSTS_SERVER };

/* With one mail to send. */
static void start(struct fixture *f, bool require_tls, enum trust trust)
{
    const struct mail_outbox_options options = {
        .store = f->store,
        .clock = cc_clock_system(),
        .smtp_url = fake_smtp_url(f->server),
        .from = "Chat-App <no-reply@chat-app.example>",
        .require_tls = require_tls,
        .ca_file = trust == TRUSTS_SERVER ? fake_smtp_certificate(f->server) : "",
    };
    queue_mail(f);
    f->mails = mail_outbox_start(&options);
}

static int64_t waiting(struct fixture *f)
{
    int64_t mails = 0, events = 0;
    struct cc_error err = {0};
    assert_int_equal(outbox_count(f->store, &mails, &events, &err), CC_OK);
    return mails;
}

static bool is_logged(void *arg)
{
    struct fixture *f = arg;
    ssize_t count = pread(f->log, f->logged, LOG_BYTES - 1, 0);
    f->logged[count > 0 ? count : 0] = '\0';
    return strstr(f->logged, f->awaited) != NULL;
}

static void must_log(struct fixture *f, const char *text)
{
    f->awaited = text;
    test_wait_for(is_logged, f, PATIENCE);
    assert_non_null(strstr(f->logged, MAIL_ID));
    assert_null(strstr(f->logged, RECIPIENT));
}

static bool is_sent(void *arg)
{
    struct fixture *f = arg;
    return fake_smtp_seen(f->server).mails == 1 && waiting(f) == 0;
}

static bool is_gone(void *arg)
{
    return waiting(arg) == 0;
}

static void expect_to_wait(struct fixture *f)
{
    must_log(f, WAITS);
    assert_int_equal(waiting(f), 1);
    assert_int_equal(fake_smtp_seen(f->server).mails, 0);
}

static void a_mail_goes_over_tls(void **state)
{
    struct fixture *f = *state;

    start(f, true, TRUSTS_SERVER);

    test_wait_for(is_sent, f, PATIENCE);
    assert_int_equal(fake_smtp_seen(f->server).recipients, 1);
    assert_int_equal(fake_smtp_seen(f->server).recipients_in_clear, 0);
}

static void tls_that_is_offered_is_used_also_when_it_is_not_required(void **state)
{
    struct fixture *f = *state;

    start(f, false, TRUSTS_SERVER);

    test_wait_for(is_sent, f, PATIENCE);
    assert_int_equal(fake_smtp_seen(f->server).recipients_in_clear, 0);
}

static void without_tls_the_mail_waits_until_it_is_offered(void **state)
{
    struct fixture *f = *state;
    fake_smtp_answer(f->server, &(struct fake_smtp_answers){.starttls = false});

    start(f, true, TRUSTS_SERVER);

    expect_to_wait(f);
    assert_int_equal(fake_smtp_seen(f->server).recipients, 0); /* nothing was told in clear */
    fake_smtp_answer(f->server, &(struct fake_smtp_answers){.starttls = true});
    test_wait_for(is_sent, f, PATIENCE);
    assert_int_equal(fake_smtp_seen(f->server).recipients_in_clear, 0);
}

static void a_server_without_tls_serves_when_it_is_not_required(void **state)
{
    struct fixture *f = *state;
    fake_smtp_answer(f->server, &(struct fake_smtp_answers){.starttls = false});

    start(f, false, TRUSTS_SERVER);

    test_wait_for(is_sent, f, PATIENCE);
    assert_int_equal(fake_smtp_seen(f->server).recipients_in_clear, 1);
}

static void with_a_certificate_that_nobody_vouches_for_the_mail_waits(void **state)
{
    struct fixture *f = *state;

    start(f, true, TRUSTS_NOBODY);

    expect_to_wait(f);
    assert_int_equal(fake_smtp_seen(f->server).recipients, 0);
}

static void a_wrong_certificate_is_no_reason_to_go_on_in_clear(void **state)
{
    struct fixture *f = *state;

    start(f, false, TRUSTS_NOBODY);

    expect_to_wait(f);
    assert_int_equal(fake_smtp_seen(f->server).recipients, 0);
}

static void with_the_certificate_of_another_host_the_mail_waits(void **state)
{
    struct fixture *f = *state;
    fake_smtp_answer(f->server,
                     &(struct fake_smtp_answers){.starttls = true, .address = "192.0.2.1"});

    start(f, true, TRUSTS_SERVER);

    expect_to_wait(f);
    assert_int_equal(fake_smtp_seen(f->server).recipients, 0);
}

static void a_mail_that_is_refused_for_now_is_sent_later(void **state)
{
    struct fixture *f = *state;
    fake_smtp_answer(f->server,
                     &(struct fake_smtp_answers){.starttls = true, .to_recipient = "450 not now"});

    start(f, true, TRUSTS_SERVER);

    expect_to_wait(f);
    assert_non_null(strstr(f->logged, "450"));
    fake_smtp_answer(f->server, &(struct fake_smtp_answers){.starttls = true});
    test_wait_for(is_sent, f, PATIENCE);
}

static void expect_to_be_given_up(struct fixture *f)
{
    start(f, true, TRUSTS_SERVER);

    must_log(f, GIVEN_UP);
    test_wait_for(is_gone, f, PATIENCE);
    assert_int_equal(fake_smtp_seen(f->server).mails, 0);
}

static void a_recipient_that_is_refused_for_good_is_given_up(void **state)
{
    struct fixture *f = *state;
    fake_smtp_answer(f->server,
                     &(struct fake_smtp_answers){.starttls = true, .to_recipient = "550 nobody"});
    expect_to_be_given_up(f);
}

static void a_mail_that_is_refused_for_good_is_given_up(void **state)
{
    struct fixture *f = *state;
    fake_smtp_answer(f->server, &(struct fake_smtp_answers){.starttls = true,
                                                            .to_mail = "554 we don't like it"});
    expect_to_be_given_up(f);
}

/* It refuses everybody, not this mail. */
static void a_server_that_refuses_to_talk_is_away(void **state)
{
    struct fixture *f = *state;
    fake_smtp_answer(f->server, &(struct fake_smtp_answers){.greeting = "554 no service here"});

    start(f, true, TRUSTS_SERVER);

    expect_to_wait(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mail_goes_over_tls),
        TEST(tls_that_is_offered_is_used_also_when_it_is_not_required),
        TEST(without_tls_the_mail_waits_until_it_is_offered),
        TEST(a_server_without_tls_serves_when_it_is_not_required),
        TEST(with_a_certificate_that_nobody_vouches_for_the_mail_waits),
        TEST(a_wrong_certificate_is_no_reason_to_go_on_in_clear),
        TEST(with_the_certificate_of_another_host_the_mail_waits),
        TEST(a_mail_that_is_refused_for_now_is_sent_later),
        TEST(a_recipient_that_is_refused_for_good_is_given_up),
        TEST(a_mail_that_is_refused_for_good_is_given_up),
        TEST(a_server_that_refuses_to_talk_is_away),
    };
    (void)signal(SIGPIPE, SIG_IGN); /* as every daemon does */
    return cmocka_run_group_tests_name("mails", tests, NULL, NULL);
}
