/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/docker/image_reference.h"

#define D64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

Test(image_reference, parts_are_those_of_the_engine)
{
    static const struct {
        const char *text, *name, *tag, *digest; /* name NULL = no reference */
    } rows[] = {
        {"nginx", "nginx", "", ""},
        {"nginx:1", "nginx", "1", ""},
        {"docker.io/nginx:1", "nginx", "1", ""},
        {"docker.io/library/nginx", "nginx", "", ""},
        {"index.docker.io/library/nginx:1", "nginx", "1", ""},
        {"index.docker.io/acme/app", "acme/app", "", ""},
        {"library/nginx:1", "nginx", "1", ""},
        {"library/a/b", "library/a/b", "", ""},
        {"acme/app:1", "acme/app", "1", ""},
        {"reg.example:5000/a/b:1", "reg.example:5000/a/b", "1", ""},
        {"reg.example:5000/a", "reg.example:5000/a", "", ""},
        {"[::1]:5000/a:1", "[::1]:5000/a", "1", ""},
        {"localhost/a", "localhost/a", "", ""},
        {"localhost:5000", "localhost", "5000", ""},
        {"docker.io/localhost/a", "docker.io/localhost/a", "", ""},
        {"docker.io/foo.bar/a", "docker.io/foo.bar/a", "", ""},
        {"index.docker.io/foo.bar/a", "docker.io/foo.bar/a", "", ""},
        {"Foo/a", "Foo/a", "", ""},
        {"a@sha256:" D64, "a", "", "sha256:" D64},
        {"a:1@sha256:" D64, "a", "1", "sha256:" D64},
        {"a__b--d/e.f", "a__b--d/e.f", "", ""},
        {"acme:0123456789ab", "acme", "0123456789ab", ""},
        {"", NULL, "", ""},
        {"Nginx", NULL, "", ""},
        {"reg.example/Nginx", NULL, "", ""},
        {"a:", NULL, "", ""},
        {"a:.1", NULL, "", ""},
        {"a:b:c", NULL, "", ""},
        {"a//b", NULL, "", ""},
        {"/a", NULL, "", ""},
        {"a/", NULL, "", ""},
        {"a..b", NULL, "", ""},
        {"a___b", NULL, "", ""},
        {"-a", NULL, "", ""},
        {"a b", NULL, "", ""},
        {"a@", NULL, "", ""},
        {"a@sha256:0123", NULL, "", ""},
        {"a@md5:" D64, NULL, "", ""},
        {D64, NULL, "", ""},
        {"sha256:" D64, NULL, "", ""},
        {"sha256:0123", NULL, "", ""},
        {"docker.io/sha256:0123", NULL, "", ""},
        {"docker.io/library/sha256", NULL, "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct image_reference parts;
        bool good = image_reference_parse(slice_from_text(rows[i].text), &parts);
        cr_assert_eq(good, rows[i].name != NULL, "%s", rows[i].text);
        if (!good)
            continue;
        cr_expect(slice_equal_text(parts.name, rows[i].name), "%s", rows[i].text);
        cr_expect(slice_equal_text(parts.tag, rows[i].tag), "%s", rows[i].text);
        cr_expect(slice_equal_text(parts.digest, rows[i].digest), "%s", rows[i].text);
    }
}

Test(image_reference, what_is_written_reads_back_as_the_same)
{
    static const char *const texts[] = {"docker.io/library/nginx:1", "docker.io/foo.bar/a:1",
                                        "a:1@sha256:" D64, "localhost/a", "[::1]:5000/a:1"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char text[IMAGE_REFERENCE_MAX];
        struct image_reference parts, again;
        cr_assert(image_reference_parse(slice_from_text(texts[i]), &parts));
        cr_assert(image_reference_parse(image_reference_write(&parts, text), &again));
        cr_expect(image_reference_equal(&parts, &again), "%s", texts[i]);
    }
}

Test(image_reference, equal_is_the_same_tag_or_digest)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"nginx", "docker.io/library/nginx:latest", true},
        {"nginx:1", "nginx", false},
        {"nginx:1", "acme/nginx:1", false},
        {"a:1@sha256:" D64, "a@sha256:" D64, true},
        {"a@sha256:" D64, "a", false},
        {"docker.io/foo.bar/a", "foo.bar/a", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct image_reference a, b;
        cr_assert(image_reference_parse(slice_from_text(rows[i].a), &a));
        cr_assert(image_reference_parse(slice_from_text(rows[i].b), &b));
        cr_expect_eq(image_reference_equal(&a, &b), rows[i].equal, "%s", rows[i].a);
    }
}

Test(image_reference, an_id_is_told_by_its_beginning)
{
    struct slice id = SLICE_LITERAL("sha256:" D64);
    cr_expect(image_reference_begins_id(SLICE_LITERAL("0123"), id));
    cr_expect(image_reference_begins_id(SLICE_LITERAL("sha256:0123"), id));
    cr_expect(image_reference_begins_id(id, id));
    cr_expect_not(image_reference_begins_id(SLICE_LITERAL("123"), id));
    cr_expect_not(image_reference_begins_id(SLICE_LITERAL(""), id));
    cr_expect_not(image_reference_begins_id(SLICE_LITERAL("sha256:"), id));
    cr_expect(image_reference_id_digits(id).len == 64);
    cr_expect(image_reference_id_digits(SLICE_LITERAL("sha256:0123")).ptr == NULL);
}

Test(image_reference, no_spelling_is_another_image)
{
    static const struct {
        const char *text, *never;
    } rows[] = {
        {"docker.io/foo.bar/a", "foo.bar/a"},
        {"docker.io/localhost/a", "localhost/a:latest"},
        {"Foo/a", "docker.io/Foo/a"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (unsigned n = 0; n < IMAGE_SPELLINGS; n++) {
            char text[IMAGE_REFERENCE_MAX];
            struct slice spelling =
                image_reference_spelling(slice_from_text(rows[i].text), n, text);
            cr_expect_not(slice_equal_text(spelling, rows[i].never), "%s, %u", rows[i].text, n);
        }
    }
}

Test(image_reference, a_registry_in_its_plain_spelling)
{
    static const struct {
        const char *text, *plain; /* NULL = it stands so */
    } rows[] = {
        {"Reg.Example/a:1", "reg.example/a:1"},
        {"reg.example:443/a", "reg.example/a"},
        {"REG.EXAMPLE:443/A/b@sha256:" D64, "reg.example/A/b@sha256:" D64},
        {"10.0.0.1:443/a", "10.0.0.1/a"},
        {"Reg:443/a", "reg:443/a"},
        {"reg.example/a", NULL},
        {"reg.example:5443/a", NULL},
        {"team/A", NULL},
        {"a:443", NULL},
        {"LOCAL/a", NULL},
        {"LOCALHOST/a", "localhost/a"},
        {":443/a", NULL},
        {"", NULL},
    };
    char text[IMAGE_REFERENCE_MAX];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice plain = image_reference_plain_registry(slice_from_text(rows[i].text), text);
        if (rows[i].plain == NULL)
            cr_expect_null(plain.ptr, "%s", rows[i].text);
        else
            cr_expect(slice_equal_text(plain, rows[i].plain), "%s", rows[i].text);
    }
}

Test(image_reference, one_image_has_its_known_spellings)
{
    static const struct {
        const char *reference;
        const char *spellings[IMAGE_SPELLINGS];
    } rows[] = {
        {"nginx",
         {"nginx", "nginx:latest", "nginx", "docker.io/library/nginx:latest",
          "docker.io/library/nginx"}},
        {"docker.io/library/nginx:1",
         {"docker.io/library/nginx:1", "nginx:1", NULL, "docker.io/library/nginx:1", NULL}},
        {"acme/app",
         {"acme/app", "acme/app:latest", "acme/app", "docker.io/acme/app:latest",
          "docker.io/acme/app"}},
        {"ghcr.io/a/b:2", {"ghcr.io/a/b:2", "ghcr.io/a/b:2", NULL, "ghcr.io/a/b:2", NULL}},
        {"localhost:5000/b",
         {"localhost:5000/b", "localhost:5000/b:latest", "localhost:5000/b",
          "localhost:5000/b:latest", "localhost:5000/b"}},
        {"sha256:ab", {"sha256:ab", NULL, NULL, NULL, NULL}},
        {"nginx@sha256:ab",
         {"nginx@sha256:ab", "nginx@sha256:ab", NULL, "docker.io/library/nginx@sha256:ab", NULL}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (unsigned n = 0; n < IMAGE_SPELLINGS; n++) {
            char text[IMAGE_REFERENCE_MAX];
            struct slice spelling =
                image_reference_spelling(slice_from_text(rows[i].reference), n, text);
            cr_expect((spelling.ptr == NULL) == (rows[i].spellings[n] == NULL) &&
                          slice_equal_text(spelling, rows[i].spellings[n]),
                      "%s, spelling %u", rows[i].reference, n);
        }
    }
}
