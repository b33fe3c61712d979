/* SPDX-License-Identifier: Apache-2.0
 *
 * Nanoseconds a decision at 10, 1,000 and 10,000 rules of three kinds, requests drawn at random
 * from those that the rules name and as many that no rule names. docs/design.md 8 asks for under 2 µs at
 * 10,000. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "policy/snapshot/policy.h"
#include "policy/document/policy_load.h"

enum { REQUESTS = 512, ROUNDS = 400 };

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static struct policy *load(const char *rule, unsigned count)
{
    char path[] = "/tmp/dockreeve-bench-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL)
        abort();
    fputs("version: 1\ndocker:\n  - allow: \"@read\"\n", file);
    for (unsigned i = 0; i < count; i++) {
        fputs("  - ", file);
        for (const char *at = rule; *at != '\0'; at++) {
            if (*at == '#')
                fprintf(file, "%u", i);
            else
                fputc(*at, file);
        }
        fputc('\n', file);
    }
    fclose(file);
    const struct policy_inputs inputs = {.config_path = path, .config_required = true};
    struct policy_messages errors = {NULL, 0, 0}, notices = {NULL, 0, 0};
    struct policy *policy = policy_load(&inputs, &errors, &notices);
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    policy_messages_write(&errors, &text);
    fputs(buffer_text(&text), stderr);
    policy_messages_free(&errors);
    policy_messages_free(&notices);
    unlink(path);
    if (policy == NULL)
        exit(1);
    return policy;
}

/* One of the requests, with the object it names. */
struct sample {
    struct docker_request request;
    struct docker_object object;
    struct slice name;
    char text[64];
};

static void fill(struct sample *samples, unsigned count)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        struct sample *sample = &samples[i];
        struct error error;
        char target[96];
        unsigned number = (unsigned)rand() % (count * 2); /* half of them are in no rule */
        snprintf(sample->text, sizeof(sample->text), "app-%u", number);
        snprintf(target, sizeof(target), "/v1.41/containers/app-%u/stop", number);
        if (!docker_request_parse(&sample->request, HTTP_METHOD_POST, slice_from_text(target),
                                  false, &error))
            abort();
        sample->name = slice_from_text(sample->text);
        sample->object.kind = DOCKER_OBJECT_CONTAINER;
        sample->object.facts[DOCKER_FACT_NAME] = (struct docker_fact_list){&sample->name, 1, 1};
    }
}

static void measure(const char *kind, const char *rule, unsigned count)
{
    double started = now_ns();
    struct policy *policy = load(rule, count);
    double loaded = now_ns();
    struct sample *samples = calloc(REQUESTS, sizeof(*samples));
    if (samples == NULL)
        abort();
    fill(samples, count);
    unsigned allowed = 0;
    double from = now_ns();
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < REQUESTS; i++) {
            struct verdict verdict;
            policy_decide_docker(policy, policy_client_at(policy, 0), &samples[i].request,
                                 DOCKER_OBJECT_KNOWN, &samples[i].object, NULL, &verdict);
            allowed += verdict.result == VERDICT_ALLOW;
        }
    }
    double each = (now_ns() - from) / ROUNDS / REQUESTS;
    printf("%-28s %6u rules  %8.0f ns/decision  %5.1f %% allowed  load %7.1f ms\n", kind, count,
           each, 100.0 * allowed / ROUNDS / REQUESTS, (loaded - started) / 1e6);
    for (unsigned i = 0; i < REQUESTS; i++)
        docker_request_clear(&samples[i].request);
    free(samples);
    policy_unref(&policy);
}

int main(void)
{
    static const unsigned counts[] = {10, 1000, 10000};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        measure("literal paths", "allow: {method: POST, path: /containers/app-#/stop}", counts[i]);
        measure("paths with one star", "allow: {method: POST, path: \"/containers/app-#/*\"}",
                counts[i]);
        measure("paths, star in the name", "allow: {method: POST, path: \"/containers/*-#/stop\"}",
                counts[i]);
        measure("where on literal names", "{allow: ContainerStop, where: {name: app-#}}",
                counts[i]);
        measure("where on globs", "{allow: ContainerStop, where: {name: \"app-#*\"}}", counts[i]);
    }
    return 0;
}
