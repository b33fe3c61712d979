/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/loop/metrics.h"

static struct metrics *new_metrics(void)
{
    struct metrics *metrics = metrics_new();
    cr_assert_not_null(metrics);
    return metrics;
}
#define AUTO_METRICS CLEANUP(metrics_free)

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';
}

/* Reads past `name="value"`; NULL when it is not spelled so. */
static const char *past_label(const char *at)
{
    if (!is_name_byte(*at))
        return NULL;
    while (is_name_byte(*at))
        at++;
    if (*at++ != '=' || *at++ != '"')
        return NULL;
    for (; *at != '"'; at++) {
        if (*at == '\0' || *at == '\n')
            return NULL;
        if (*at == '\\' && strchr("\\\"n", *++at) == NULL)
            return NULL;
    }
    return at + 1;
}

/* Checks one sample line by the grammar of the text format 0.0.4. */
static bool is_sample(const char *line)
{
    const char *at = line;
    while (is_name_byte(*at))
        at++;
    if (at == line)
        return false;
    if (*at == '{') {
        do {
            at = past_label(at + 1);
        } while (at != NULL && *at == ',');
        if (at == NULL || *at++ != '}')
            return false;
    }
    if (*at++ != ' ' || *at == '\0')
        return false;
    return strspn(at, "0123456789.") == strlen(at);
}

/* Every sample is well-formed, belongs to the family announced last, and no row appears twice. */
static void check_format(const char *text)
{
    AUTO_FREE char *copy = strdup(text);
    static char *seen[500];
    size_t seen_count = 0;
    char family[128] = "";
    cr_assert_eq(text[strlen(text) - 1], '\n');
    for (char *save, *line = strtok_r(copy, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "# TYPE ", 7) == 0) {
            cr_assert_eq(sscanf(line, "# TYPE %127s", family), 1);
            continue;
        }
        if (strncmp(line, "# HELP ", 7) == 0)
            continue;
        cr_assert(is_sample(line), "%s", line);
        cr_assert_eq(strncmp(line, family, strlen(family)), 0, "%s under %s", line, family);
        *strrchr(line, ' ') = '\0';
        for (size_t i = 0; i < seen_count; i++)
            cr_assert_str_neq(line, seen[i]);
        if (seen_count < ARRAY_LEN(seen))
            seen[seen_count++] = line;
    }
}

static const char *print(const struct metrics *metrics, struct buffer *buffer)
{
    buffer_clear(buffer);
    metrics_print(metrics, buffer);
    const char *text = buffer_text(buffer);
    check_format(text);
    return text;
}

static void has_line(const char *text, const char *line)
{
    char wanted[512];
    snprintf(wanted, sizeof(wanted), "\n%s\n", line);
    cr_assert_not_null(strstr(text, wanted), "missing: %s\nin:\n%s", line, text);
}

Test(metrics, rows_count_by_client_operation_decision_and_rule)
{
    AUTO_METRICS struct metrics *metrics = new_metrics();
    AUTO_BUFFER struct buffer buffer = BUFFER_EMPTY;
    char operation[] = "ContainerList";
    struct metrics_series *first =
        metrics_series(metrics, "traefik", operation, METRICS_ALLOW, "@read", "policy.yaml:3");
    metrics_series_count(first);
    operation[0] = 'X'; /* texts were copied */
    cr_assert_eq(first, metrics_series(metrics, "traefik", "ContainerList", METRICS_ALLOW, "@read",
                                       "policy.yaml:9"));
    metrics_series_count(first);
    cr_assert_neq(first,
                  metrics_series(metrics, "traefik", "ContainerList", METRICS_DENY, "@read", ""));
    cr_assert_neq(first,
                  metrics_series(metrics, "traefi", "kContainerList", METRICS_ALLOW, "@read", ""));
    metrics_series_count(metrics_series(metrics, "a", "Info", METRICS_DENY, NULL, "env INFO=0"));
    const char *text = print(metrics, &buffer);
    has_line(text, "dockreeve_requests_total{client=\"traefik\",operation=\"ContainerList\","
                   "decision=\"allow\",rule=\"@read\"} 2");
    has_line(text, "dockreeve_requests_total{client=\"a\",operation=\"Info\",decision=\"deny\","
                   "rule=\"env INFO=0\"} 1");
    cr_assert_null(strstr(text, "\"other\""));
}

Test(metrics, label_values_are_escaped)
{
    AUTO_METRICS struct metrics *metrics = new_metrics();
    AUTO_BUFFER struct buffer buffer = BUFFER_EMPTY;
    metrics_series_count(
        metrics_series(metrics, "a\"b", "Info", METRICS_ALLOW, "~/c\\d/\n\033[31m", "p.yaml:1"));
    has_line(print(metrics, &buffer),
             "dockreeve_requests_total{client=\"a\\\"b\",operation=\"Info\",decision=\"allow\","
             "rule=\"~/c\\\\d/\\n [31m\"} 1");
}

Test(metrics, the_histogram_is_cumulative_and_its_limits_are_inclusive)
{
    AUTO_METRICS struct metrics *metrics = new_metrics();
    AUTO_BUFFER struct buffer buffer = BUFFER_EMPTY;
    struct metrics_series *series = metrics_series(metrics, "a", "Info", METRICS_ALLOW, "r", "s");
    metrics_series_observe(series, 500);
    metrics_series_observe(series, 501);
    metrics_series_observe(series, 11000000);
    const char *text = print(metrics, &buffer);
    has_line(text, "dockreeve_request_duration_seconds_bucket{client=\"a\",le=\"0.0005\"} 1");
    has_line(text, "dockreeve_request_duration_seconds_bucket{client=\"a\",le=\"0.001\"} 2");
    has_line(text, "dockreeve_request_duration_seconds_bucket{client=\"a\",le=\"10\"} 2");
    has_line(text, "dockreeve_request_duration_seconds_bucket{client=\"a\",le=\"+Inf\"} 3");
    has_line(text, "dockreeve_request_duration_seconds_sum{client=\"a\"} 11.001001");
    has_line(text, "dockreeve_request_duration_seconds_count{client=\"a\"} 3");
}

Test(metrics, gauges_and_totals_are_printed)
{
    AUTO_METRICS struct metrics *metrics = new_metrics();
    AUTO_BUFFER struct buffer buffer = BUFFER_EMPTY;
    struct metrics_client *client = metrics_client(metrics, "default");
    metrics_connection_opened(client);
    metrics_connection_opened(metrics_client(metrics, "default"));
    metrics_connection_closed(client);
    *metrics_totals(metrics) = (struct metrics_totals){1, 2, 3, 4, 5, 6, 7};
    metrics_set_policy(metrics, "0123456789ab");
    const char *text = print(metrics, &buffer);
    has_line(text, "dockreeve_connections{client=\"default\"} 1");
    has_line(text, "dockreeve_open_streams 1");
    has_line(text, "dockreeve_upstream_errors_total 5");
    has_line(text, "dockreeve_log_lost_total 4");
    has_line(text, "dockreeve_denials_suppressed_total 5");
    has_line(text, "dockreeve_policy_reloads_total{result=\"ok\"} 6");
    has_line(text, "dockreeve_policy_reloads_total{result=\"failed\"} 7");
    has_line(text, "dockreeve_policy_info{hash=\"0123456789ab\"} 1");
}

Test(metrics, rows_are_bounded_and_what_is_beyond_counts_as_other)
{
    AUTO_METRICS struct metrics *metrics = new_metrics();
    AUTO_BUFFER struct buffer buffer = BUFFER_EMPTY;
    char rule[32];
    struct metrics_series *first = NULL;
    for (unsigned i = 0; i < 2 * METRICS_SERIES_MAX; i++) {
        snprintf(rule, sizeof(rule), "rule %u", i);
        struct metrics_series *series =
            metrics_series(metrics, "a", "Info", METRICS_ALLOW, rule, "s");
        metrics_series_count(series);
        first = i == 0 ? series : first;
    }
    cr_assert_eq(first, metrics_series(metrics, "a", "Info", METRICS_ALLOW, "rule 0", "s"),
                 "rows that exist go on counting");
    char operation[32];
    for (unsigned i = 0; i < 2 * METRICS_OVERFLOW_MAX; i++) {
        snprintf(operation, sizeof(operation), "Op%u", i);
        metrics_series_count(metrics_series(metrics, "b", operation, METRICS_DENY, "r", "s"));
    }
    for (unsigned i = 0; i < 2 * METRICS_CLIENTS_MAX; i++) {
        snprintf(operation, sizeof(operation), "client%u", i);
        metrics_connection_opened(metrics_client(metrics, operation));
    }
    const char *text = print(metrics, &buffer);
    has_line(text, "dockreeve_requests_total{client=\"a\",operation=\"Info\",decision=\"allow\","
                   "rule=\"rule 4000\"} 1");
    /* Three of the places are the reserve rows themselves. */
    has_line(text, "dockreeve_requests_total{client=\"a\",operation=\"Info\",decision=\"allow\","
                   "rule=\"other\"} 4099");
    has_line(text, "dockreeve_requests_total{client=\"b\",operation=\"Op7\",decision=\"deny\","
                   "rule=\"other\"} 1");
    cr_assert_not_null(strstr(text, "dockreeve_requests_total{client=\"other\",operation=\"other\","
                                    "decision=\"deny\",rule=\"other\"} "));
    cr_assert_not_null(strstr(text, "dockreeve_connections{client=\"other\"} "));
    size_t rows = 0;
    for (const char *at = text; (at = strstr(at, "\ndockreeve_requests_total{")) != NULL; at++)
        rows++;
    cr_assert_leq(rows, METRICS_SERIES_MAX + METRICS_OVERFLOW_MAX);
}
