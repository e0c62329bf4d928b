/* C11's threads by way of POSIX's, for builds with ThreadSanitizer: it knows only the latter, and a
 * thread that glibc's thrd_create made (librdkafka does) ends in a crash at the first instrumented
 * function. glibc keeps the same objects behind both, with room for the larger. Linked in front of
 * the C library, by cmake/ChatSanitizers.cmake. */

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "a mutex fits");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "a condition fits");
_Static_assert(sizeof(once_flag) >= sizeof(pthread_once_t), "a flag fits");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "a thread fits");

struct beginning {
    thrd_start_t start;
    void *arg;
};

static int result_of(int error)
{
    return error == 0 ? thrd_success : error == ETIMEDOUT ? thrd_timedout : thrd_error;
}

static void *begin(void *arg)
{
    struct beginning beginning = *(struct beginning *)arg;
    free(arg);
    return (void *)(intptr_t)beginning.start(beginning.arg);
}

int thrd_create(thrd_t *thread, thrd_start_t start, void *arg)
{
    struct beginning *beginning = malloc(sizeof *beginning);
    if (beginning == NULL)
        return thrd_nomem;
    *beginning = (struct beginning){start, arg};
    int error = pthread_create((pthread_t *)thread, NULL, begin, beginning);
    if (error != 0)
        free(beginning);
    return result_of(error);
}

int thrd_join(thrd_t thread, int *out_result)
{
    void *result = NULL;
    int error = pthread_join((pthread_t)thread, &result);
    if (out_result != NULL)
        *out_result = (int)(intptr_t)result;
    return result_of(error);
}

int thrd_detach(thrd_t thread)
{
    return result_of(pthread_detach((pthread_t)thread));
}

void call_once(once_flag *flag, void (*function)(void))
{
    pthread_once((pthread_once_t *)flag, function);
}

int mtx_init(mtx_t *mutex, int kind)
{
    pthread_mutexattr_t how;
    pthread_mutexattr_init(&how);
    if ((kind & mtx_recursive) != 0)
        pthread_mutexattr_settype(&how, PTHREAD_MUTEX_RECURSIVE);
    int error = pthread_mutex_init((pthread_mutex_t *)mutex, &how);
    pthread_mutexattr_destroy(&how);
    return result_of(error);
}

void mtx_destroy(mtx_t *mutex)
{
    pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

int mtx_lock(mtx_t *mutex)
{
    return result_of(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int mtx_unlock(mtx_t *mutex)
{
    return result_of(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

int cnd_init(cnd_t *condition)
{
    return result_of(pthread_cond_init((pthread_cond_t *)condition, NULL));
}

void cnd_destroy(cnd_t *condition)
{
    pthread_cond_destroy((pthread_cond_t *)condition);
}

int cnd_signal(cnd_t *condition)
{
    return result_of(pthread_cond_signal((pthread_cond_t *)condition));
}

int cnd_broadcast(cnd_t *condition)
{
    return result_of(pthread_cond_broadcast((pthread_cond_t *)condition));
}

int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    return result_of(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until)
{
    return result_of(
        pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until));
}
