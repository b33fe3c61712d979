/* SPDX-License-Identifier: Apache-2.0
 *
 * The fields, and the sentences. */
#include "proxy/docker/browser_guard.h"
#include "rules/reason.h"

#include <stdio.h>

/* What was seen. */
static void describe(enum browser_verdict verdict, const struct browser_request *request,
                     char *text, size_t size)
{
    char quoted[100];
    switch (verdict) {
    case BROWSER_NOT_SEEN:
        text[0] = '\0';
        return;
    case BROWSER_FOREIGN_SITE:
        snprintf(text, size, "a page of another site sent this request (Sec-Fetch-Site: %s)",
                 error_quote(request->site, quoted, sizeof(quoted)));
        return;
    case BROWSER_FOREIGN_ORIGIN:
        snprintf(text, size,
                 "a page of another origin sent this request (Origin: %s); if it may, list it in "
                 "`origins`",
                 error_quote(request->origin, quoted, sizeof(quoted)));
        return;
    case BROWSER_FOREIGN_HOST:
        snprintf(text, size,
                 "Host is %s, no name of this gate: a page may have been sent here under it; if it "
                 "is the gate's, list it in `hosts`",
                 error_quote(request->host, quoted, sizeof(quoted)));
        return;
    }
}

bool browser_guard_check(const struct http_head *head, const struct browser_trust *trust,
                         bool on_loopback, const char *client, struct error *error)
{
    struct browser_request request = {.host = head->host};
    for (unsigned i = 0; i < head->field_count; i++)
        browser_request_add_field(&request, head->fields[i].name, head->fields[i].value);
    enum browser_verdict verdict = browser_request_judge(&request, trust, on_loopback);
    if (verdict == BROWSER_NOT_SEEN)
        return true;
    char seen[320];
    describe(verdict, &request, seen, sizeof(seen));
    if (client == NULL)
        return error_set_reason(error, 403, REASON_BROWSER, "%s", seen);
    return error_set_reason(
        error, 403, REASON_BROWSER,
        "web pages are no Docker clients: %s. Client `%s` may have hosts: [NAME], origins: "
        "[https://NAME] and browser: allow (variables: DOCKREEVE_HOSTS, DOCKREEVE_ORIGINS, "
        "DOCKREEVE_BROWSER=allow)",
        seen, client);
}
