/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/docker/docker_names.h"
#include "rules/docker/docker_rule.h"

#define D64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PULL "/images/create?"
#define POST HTTP_METHOD_POST

Test(docker_names, names_have_one_spelling)
{
    static const struct {
        const char *name, *target, *written;
    } rows[] = {
        {"pull with a tag", PULL "fromImage=r/good&tag=1", PULL "fromImage=r%2Fgood&tag=1"},
        {"tag in the name", PULL "fromImage=r/good:1", PULL "fromImage=r%2Fgood&tag=1"},
        {"tag wins", PULL "fromImage=r/good:1&tag=evil", PULL "fromImage=r%2Fgood&tag=evil"},
        {"tag first", PULL "tag=evil&fromImage=r/good:1", PULL "tag=evil&fromImage=r%2Fgood"},
        {"no tag", PULL "fromImage=r/good", PULL "fromImage=r%2Fgood"},
        {"empty tag", PULL "fromImage=r/good&tag=", PULL "fromImage=r%2Fgood"},
        {"colon alone", PULL "fromImage=r/good:", PULL "fromImage=r%2Fgood"},
        {"empty tag, tag in the name",
         PULL "fromImage=r/good:1&tag=", PULL "fromImage=r%2Fgood&tag=1"},
        {"the hub's long name", PULL "fromImage=index.docker.io/library/a&tag=1",
         PULL "fromImage=a&tag=1"},
        {"digest in the name", PULL "fromImage=a:1@sha256:" D64,
         PULL "fromImage=a&tag=sha256%3A" D64},
        {"digest wins over tag", PULL "fromImage=a@sha256:" D64 "&tag=two",
         PULL "fromImage=a&tag=sha256%3A" D64},
        {"digest as tag", PULL "fromImage=a:1&tag=sha256:" D64,
         PULL "fromImage=a&tag=sha256%3A" D64},
        {"no reference stays", PULL "fromImage=UPPER:1&tag=2", PULL "fromImage=UPPER%3A1&tag=2"},
        {"no tag stays", PULL "fromImage=a&tag=sha256:12", PULL "fromImage=a&tag=sha256%3A12"},
        {"import", PULL "fromSrc=-&repo=acme:1", PULL "fromSrc=-&repo=acme&tag=1"},
        {"import without a tag", PULL "fromSrc=-&repo=acme", PULL "fromSrc=-&repo=acme&tag=latest"},
        {"import to a digest stays", PULL "fromSrc=-&repo=a@sha256:" D64,
         PULL "fromSrc=-&repo=a%40sha256%3A" D64},
        {"the tag is the pull's", PULL "fromImage=a&repo=b:2&tag=1",
         PULL "fromImage=a&repo=b%3A2&tag=1"},
        {"tagging", "/images/x/tag?repo=docker.io/library/a:1", "/images/x/tag?repo=a&tag=1"},
        {"tagging, tag wins", "/images/x/tag?repo=a:1&tag=2", "/images/x/tag?repo=a&tag=2"},
        {"commit", "/commit?container=/web&repo=a", "/commit?container=web&repo=a&tag=latest"},
        {"push with a tag in its path", "/images/a:1/push", "/images/a:1/push?tag=1"},
        {"push with two", "/images/a:1/push?tag=2", "/images/a:1/push?tag=2"},
        {"push of all", "/images/a/push", "/images/a/push"},
        {"container name", "/containers/create?name=/prod", "/containers/create?name=prod"},
        {"escaped slash", "/containers/create?name=%2Fprod", "/containers/create?name=prod"},
        {"one slash only", "/containers/create?name=//prod", "/containers/create?name=%2F%2Fprod"},
        {"slash alone", "/containers/create?name=/", "/containers/create?name=%2F"},
        {"rename", "/containers/x/rename?name=%2fprod", "/containers/x/rename?name=prod"},
        {"another parameter", "/containers/x/stop?t=/5", "/containers/x/stop?t=%2F5"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        struct error error;
        const char *target = rows[i].target;
        for (unsigned pass = 0; pass < 2; pass++) { /* what is written reads back as the same */
            cr_assert(docker_request_parse(&request, POST, slice_from_text(target), false, &error),
                      "%s: %s", rows[i].name, error.text);
            buffer_clear(&out);
            docker_request_write_target(&request, (struct slice){NULL, 0}, &out);
            cr_expect_str_eq(buffer_text(&out), rows[i].written, "%s: %s", rows[i].name,
                             buffer_text(&out));
            target = rows[i].written;
        }
    }
}

static bool matches(const char *key, const char *pattern, bool allows, const char *target)
{
    struct docker_rule rule = {.allows = allows};
    struct docker_condition condition = {.key = DOCKER_CONDITION_QUERY, .value_count = 1};
    struct docker_request request = {.text = BUFFER_EMPTY};
    struct pattern compiled;
    struct error error;
    if (strncmp(key, "query.", 6) == 0)
        condition.parameter = slice_from_text(key + 6);
    else
        condition.key = strcmp(key, "image") == 0 ? DOCKER_FACT_IMAGE : DOCKER_FACT_NAME;
    cr_assert(pattern_compile(&compiled, PATTERN_VALUE, slice_from_text(pattern), &error));
    condition.values = &compiled;
    rule.conditions = &condition;
    rule.condition_count = 1;
    cr_assert(docker_request_parse(&request, POST, slice_from_text(target), false, &error));
    docker_operation_set_add(&rule.operations, request.operation);
    docker_rule_narrow(&rule);
    enum docker_match match =
        docker_rule_match(&rule, &request, DOCKER_OBJECT_NOT_ASKED, NULL, NULL);
    cr_assert_neq(match, DOCKER_MATCH_MAYBE);
    pattern_clear(&compiled);
    docker_request_clear(&request);
    return match == DOCKER_MATCH_YES;
}

Test(docker_names, a_rule_is_held_against_what_is_meant)
{
    static const struct {
        const char *key, *pattern, *target;
        bool allow, deny;
    } rows[] = {
        {"query.fromImage", "r/good:1", PULL "fromImage=r/good:1", true, true},
        {"query.fromImage", "r/good:1", PULL "fromImage=r/good&tag=1", true, true},
        {"query.fromImage", "r/good:1", PULL "fromImage=docker.io/r/good&tag=1", true, true},
        {"query.fromImage", "r/good:1", PULL "fromImage=r/good:1&tag=evil", false, false},
        {"query.fromImage", "r/good:1", PULL "fromImage=r/good:1&tag=sha256:" D64, false, false},
        {"query.fromImage", "r/good:1", PULL "fromImage=r/good", false, true},
        {"query.fromImage", "r/good:1", PULL "fromImage=r/good:", false, true},
        {"query.fromImage", "r/good:1", PULL "fromImage=r/other", false, false},
        {"query.fromImage", "r/good", PULL "fromImage=r/good&tag=7", true, true},
        {"query.fromImage", "r/good", PULL "fromImage=r/good", true, true},
        {"query.fromImage", "r/good", PULL "fromImage=r/goodx", false, false},
        {"query.fromImage", "r/good@*", PULL "fromImage=r/good&tag=sha256:" D64, true, true},
        {"query.fromImage", "~r/good:[0-9]", PULL "fromImage=r/good&tag=1", true, true},
        {"query.fromImage", "~r/good:[0-9]", PULL "fromImage=r/good", false, true},
        {"query.fromImage", "~r/good(?!:evil).*", PULL "fromImage=r/good&tag=evil", false, true},
        {"query.fromImage", "~r/[a-z]+", PULL "fromImage=r/good&tag=evil", true, true},
        {"query.fromImage", "**", PULL "fromImage=UPPER", false, true},
        {"query.tag", "1", PULL "fromImage=r/good:1", true, true},
        {"query.tag", "1", PULL "fromImage=r/good:1&tag=2", false, false},
        {"image", "r/good:1", PULL "fromImage=r/good&tag=1", true, true},
        {"image", "r/good:1", PULL "fromImage=r/good:1&tag=evil", false, false},
        {"image", "nginx", PULL "fromImage=docker.io/library/nginx&tag=latest", true, true},
        {"image", "nginx", PULL "fromImage=nginx&tag=1", false, false},
        {"image", "nginx", PULL "fromImage=nginx", false, true},
        {"image", "nginx:*", PULL "fromImage=nginx", true, true},
        {"image", "docker.io/library/*", PULL "fromImage=nginx", true, true},
        {"image", "nginx:1*", PULL "fromImage=nginx", false, true},
        {"image", "other:*", PULL "fromImage=nginx", false, false},
        {"image", "**", PULL "fromSrc=-&repo=nginx", false, false},
        {"image", "docker.io/**", PULL "fromImage=Foo/bar&tag=1", false, false},
        {"query.repo", "acme:1", PULL "fromSrc=-&repo=acme&tag=1", true, true},
        {"query.repo", "acme:latest", PULL "fromSrc=-&repo=acme", true, true},
        {"query.t", "acme:1", "/build?t=docker.io/library/acme:1", true, true},
        {"query.t", "acme:latest", "/build?t=acme", true, true},
        {"query.t", "acme:1", "/build?t=acme:1&t=prod:1", false, true},
        {"query.remote", "vieux/sshfs", "/plugins/pull?remote=docker.io/vieux/sshfs:latest", true,
         true},
        {"name", "prod-*", "/containers/create?name=/prod-db", true, true},
        {"name", "prod-*", "/containers/create?name=%2Fprod-db", true, true},
        {"name", "/prod-*", "/containers/create?name=prod-db", true, true},
        {"name", "~/prod-.*", "/containers/create?name=prod-db", false, true},
        {"name", "~(?!prod).*", "/containers/create?name=/prod-db", false, true},
        {"name", "prod-*", "/containers/create?name=//prod-db", false, false},
        {"query.name", "prod-*", "/containers/x/rename?name=/prod-db", true, true},
        {"query.name", "prod-*", "/containers/x/rename?name=dev", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect_eq(matches(rows[i].key, rows[i].pattern, true, rows[i].target), rows[i].allow,
                     "allow %s: %s, %s", rows[i].key, rows[i].pattern, rows[i].target);
        cr_expect_eq(matches(rows[i].key, rows[i].pattern, false, rows[i].target), rows[i].deny,
                     "deny %s: %s, %s", rows[i].key, rows[i].pattern, rows[i].target);
    }
}
