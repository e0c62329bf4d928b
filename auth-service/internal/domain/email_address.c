/* Shape and identity of e-mail addresses; see email_address.h. Pure, any thread. Sends nothing. */

#include "domain/email_address.h"

#include <ctype.h>
#include <string.h>

#define LOCAL_PART_MAX 64
#define LABEL_MAX      63

static bool is_alphanumeric(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9');
}

/* A dot-string of RFC 5321: atoms joined by single dots. */
static bool is_local_part(const char *text, size_t count)
{
    if (count == 0 || count > LOCAL_PART_MAX || text[0] == '.' || text[count - 1] == '.')
        return false;
    for (size_t i = 0; i < count; i++) {
        if (text[i] == '.' && text[i + 1] == '.')
            return false;
        if (!is_alphanumeric(text[i]) &&
            (text[i] == '\0' || !strchr(".!#$%&'*+-/=?^_`{|}~", text[i])))
            return false;
    }
    return true;
}

static bool is_label(const char *text, size_t count)
{
    if (count == 0 || count > LABEL_MAX || text[0] == '-' || text[count - 1] == '-')
        return false;
    for (size_t i = 0; i < count; i++)
        if (!is_alphanumeric(text[i]) && text[i] != '-')
            return false;
    return true;
}

static bool is_domain(const char *text)
{
    int labels = 0;
    for (;;) {
        size_t count = strcspn(text, ".");
        if (!is_label(text, count))
            return false;
        labels++;
        if (text[count] == '\0')
            return labels >= 2;
        text += count + 1;
    }
}

bool email_address_read(const char *text, char out[EMAIL_ADDRESS_BYTES])
{
    size_t length = strlen(text);
    const char *at = strrchr(text, '@');
    if (length >= EMAIL_ADDRESS_BYTES || at == NULL || !is_local_part(text, (size_t)(at - text)) ||
        !is_domain(at + 1))
        return false;
    for (size_t i = 0; i <= length; i++)
        out[i] = (char)tolower((unsigned char)text[i]);
    return true;
}
