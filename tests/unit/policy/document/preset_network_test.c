/* SPDX-License-Identifier: Apache-2.0
 *
 * The presets for the network: what each must open, and what stands near it and must stay closed. */
#include <ctype.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/document/preset.h"
#include "tests/unit/policy/policy_network_fixture.h"

static void use(struct policy_fixture *fixture, const char *name)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY, said = BUFFER_EMPTY;
    buffer_printf(&text, "version: 1\nuse: [%s]\n", name);
    bool good = policy_fixture_text(fixture, buffer_text(&text));
    cr_assert(good, "%s: %s", name, policy_fixture_show(fixture, &fixture->errors, &said));
    buffer_free(&said);
}

/* "host:port" is a tunnel, "GET host:80/path" plain HTTP. "*.example.com" stands for some name
 * below the domain, "=*.example.com" for the domain's own. */
static enum verdict_result ask(const struct policy_fixture *fixture, const char *question)
{
    char text[160];
    bool tunnel = !isupper(question[0]);
    snprintf(text, sizeof(text), "%s%s", tunnel ? "tunnel " : "", question);
    char *star = strchr(text, '*');
    if (star != NULL && star[-1] == '=')
        memmove(star - 1, star + 2, strlen(star + 2) + 1);
    else if (star != NULL)
        *star = 'x';
    return network_question_ask(fixture->policy, "default", text, NULL).result;
}

enum { HOSTS_MAX = 16 };

static const struct row {
    const char *preset;
    const char *opens[HOSTS_MAX], *leaves[HOSTS_MAX];
} rows[] = {
    {"ai-anthropic",
     {"api.anthropic.com:443", "claude.ai:443"},
     {"anthropic.com:443", "api.anthropic.com:80", "x.api.anthropic.com:443",
      "evil-claude.ai:443"}},
    {"ai-openai",
     {"api.openai.com:443", "chatgpt.com:443"},
     {"openai.com:443", "files.oaiusercontent.com:443", "api.openai.com.example.com:443"}},
    {"ai-google",
     {"generativelanguage.googleapis.com:443"},
     {"storage.googleapis.com:443", "googleapis.com:443"}},
    {"ai-copilot", {"api.individual.githubcopilot.com:443"}, {"githubcopilot.com:443"}},
    {"ai-cursor", {"api2.cursor.sh:443", "cursor.com:443"}, {"cursor.sh:443", "x.cursor.com:443"}},
    {"ai-factory", {"app.factory.ai:443"}, {"factory.ai:443"}},
    {"ai-models",
     {"openrouter.ai:443", "api.groq.com:443", "opencode.ai:443"},
     {"groq.com:443", "api.opencode.ai:443"}},
    {"huggingface",
     {"huggingface.co:443", "cdn-lfs.huggingface.co:443", "cdn-lfs-us-1.hf.co:443"},
     {"x.hf.space:443", "cas-server.xethub.hf.co:443", "hf.co:443", "xhuggingface.co:443"}},
    {"ai-apis",
     {"api.anthropic.com:443", "api.openai.com:443", "api.x.ai:443"},
     {"gist.github.com:443", "storage.googleapis.com:443"}},
    {"npm",
     {"*.npmjs.org:443", "*.yarnpkg.com:443"},
     {"=*.npmjs.org:443", "*.npmjs.org:80", "xnpmjs.org:443"}},
    {"pypi",
     {"=*.pypi.org:443", "*.pypi.org:443", "*.pythonhosted.org:443"},
     {"evilpypi.org:443", "=*.pypi.org:80", "=*.pypi.org.example.com:443", "pypiaorg.test:443"}},
    {"crates", {"*.crates.io:443"}, {"=*.crates.io:443", "*.crates.io:80"}},
    {"go",
     {"*.golang.org:443", "display.golang.org:443"},
     {"=*.golang.org:443", "play.golang.org:443", "x.play.golang.org:443",
      "storage.googleapis.com:443"}},
    {"maven",
     {"*.maven.org:443", "*.maven.apache.org:443", "*.gradle.org:443"},
     {"=*.maven.org:443", "apache.org:443", "www.apache.org:443"}},
    {"rubygems", {"=*.rubygems.org:443", "*.rubygems.org:443"}, {"xrubygems.org:443"}},
    {"nuget", {"*.nuget.org:443"}, {"=*.nuget.org:443"}},
    {"packagist", {"*.packagist.org:443"}, {"=*.packagist.org:443"}},
    {"hex", {"*.hex.pm:443"}, {"=*.hex.pm:443"}},
    {"debian",
     {"GET *.debian.org:80/debian/", "HEAD *.debian.org:80/", "*.debian.org:443"},
     {"*.debian.org:80", "PUT *.debian.org:80/", "=*.debian.org:443", "x.debian.net:443"}},
    {"ubuntu",
     {"GET *.ubuntu.com:80/ubuntu/", "*.launchpadcontent.net:443"},
     {"paste.ubuntu.com:443", "POST paste.ubuntu.com:80/", "*.ubuntu.com:80"}},
    {"alpine", {"GET *.alpinelinux.org:80/", "*.alpinelinux.org:443"}, {"*.alpinelinux.org:80"}},
    {"fedora",
     {"GET *.fedoraproject.org:80/", "*.fedoraproject.org:443"},
     {"=*.fedoraproject.org:443", "paste.fedoraproject.org:443", "fpaste.fedoraproject.org:443",
      "retrace.fedoraproject.org:443", "retrace.stg.fedoraproject.org:443",
      "faf.fedoraproject.org:443"}},
    {"github",
     {"github.com:443", "github.com:22", "api.github.com:443", "codeload.github.com:443",
      "objects.githubusercontent.com:443", "ssh.github.com:443",
      "github-cloud.githubusercontent.com:443"},
     {"gist.github.com:443", "uploads.github.com:443", "gist.githubusercontent.com:443",
      "github.com:80", "github.com.example.com:443", "github-cloud.s3.amazonaws.com:443",
      "ssh.github.com:22"}},
    {"gitlab", {"gitlab.com:443", "gitlab.com:22"}, {"x.gitlab.com:443", "gitlab.com:80"}},
    {"bitbucket", {"bitbucket.org:443", "bitbucket.org:22"}, {"x.bitbucket.org:443"}},
    {"container-registries",
     {"*.docker.io:443", "=*.ghcr.io:443", "=*.quay.io:443", "*.gcr.io:443",
      "us-docker.pkg.dev:443", "pkg-x.githubusercontent.com:443", "mcr.microsoft.com:443",
      "eastus.data.mcr.microsoft.com:443", "public.ecr.aws:443",
      "d5l0dvt14r5h8.cloudfront.net:443"},
     {"=*.docker.io:443", "gist.githubusercontent.com:443", "xghcr.io:443",
      "us-generic.pkg.dev:443", "*.pkg.dev:443", "bucket.other.r2.cloudflarestorage.com:443",
      "*.docker.io:80", "bucket.amazonaws.com:443", "other.cloudfront.net:443",
      "x.mcr.microsoft.com:443", "x.dkr.ecr.eu-west-1.amazonaws.com:443"}},
    {"certificates",
     {"GET r3.o.lencr.org:80/", "POST ocsp.digicert.com:80/x",
      "GET www.microsoft.com:80/pkiops/crl/x"},
     {"r3.o.lencr.org:80", "r3.o.lencr.org:443", "GET lencr.org:80/",
      "GET www.microsoft.com:80/other", "PUT ocsp.digicert.com:80/"}},
    {"toolchain-browsers",
     {"cdn.playwright.dev:443", "playwright.download.prss.microsoft.com:443"},
     {"playwright.dev:443", "storage.googleapis.com:443", "cdn.playwright.dev:80"}},
    {"toolchain-node", {"nodejs.org:443", "*.nodesource.com:443"}, {"=*.nodesource.com:443"}},
    {"toolchain-rust",
     {"x.rustup.rs:443", "static.rust-lang.org:443"},
     {"rustup.rs:443", "play.rust-lang.org:443", "x.rust-lang.org:443"}},
    {"toolchain-python",
     {"www.python.org:443", "x.pypa.io:443"},
     {"pypa.io:443", "=*.pypi.org:443"}},
    {"toolchain-go", {"dl.google.com:443"}, {"go.dev:443", "google.com:443"}},
    {"toolchain-java", {"api.adoptium.net:443"}, {"adoptium.net:443"}},
    {"toolchain-dotnet", {"dot.net:443"}, {"x.dot.net:443", "microsoft.com:443"}},
    {"toolchains", {"nodejs.org:443", "dot.net:443", "dl.google.com:443"}, {"=*.pypi.org:443"}},
    {"upload-targets",
     {"bucket.s3.amazonaws.com:443", "gist.github.com:443", "pastebin.com:443", "go.dev:443",
      "play.golang.org:443", "us-generic.pkg.dev:443"},
     {"amazonaws.com:443", "github.com:443", "bucket.s3.amazonaws.com:80"}},
    {"balanced",
     {"api.anthropic.com:443", "=*.pypi.org:443", "*.npmjs.org:443", "*.crates.io:443",
      "GET *.debian.org:80/", "github.com:22", "*.docker.io:443", "nodejs.org:443",
      "GET r3.o.lencr.org:80/", "*.golang.org:443", "cdn.playwright.dev:443", "huggingface.co:443",
      "mcr.microsoft.com:443"},
     {"gist.github.com:443", "bucket.s3.amazonaws.com:443", "storage.googleapis.com:443",
      "pastebin.com:443", "uploads.github.com:443", "gist.githubusercontent.com:443",
      "paste.ubuntu.com:443", "x.blob.core.windows.net:443", "play.golang.org:443", "go.dev:443",
      "play.rust-lang.org:443", "us-generic.pkg.dev:443", "example.com:443", "*.npmjs.org:22"}},
    {"deny-all", {NULL}, {"example.com:443", "GET example.com:80/", "github.com:443"}},
    {"allow-all",
     {"example.com:443", "example.com:22", "GET example.com:80/", "x.example.org:65535"},
     {"localhost:443", "127.0.0.1:80"}},
};

Test(preset_network, each_opens_what_it_is_for_and_nothing_near_it)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        char name[64];
        snprintf(name, sizeof(name), "preset/%s", rows[i].preset);
        use(&fixture, name);
        for (size_t j = 0; j < HOSTS_MAX && rows[i].opens[j] != NULL; j++)
            cr_expect_eq(ask(&fixture, rows[i].opens[j]), VERDICT_ALLOW, "%s must open %s", name,
                         rows[i].opens[j]);
        for (size_t j = 0; j < HOSTS_MAX && rows[i].leaves[j] != NULL; j++)
            cr_expect_eq(ask(&fixture, rows[i].leaves[j]), VERDICT_DENY, "%s must not open %s",
                         name, rows[i].leaves[j]);
    }
}

Test(preset_network, every_preset_loads_and_those_for_the_network_stand_in_the_table)
{
    for (size_t i = 0; i < preset_count(); i++) {
        const struct preset *preset = preset_at(i);
        struct policy_fixture fixture;
        bool tabled = memmem(preset->text.ptr, preset->text.len, "\ndocker:", 8) != NULL;
        use(&fixture, preset->name);
        policy_fixture_clear(&fixture);
        for (size_t j = 0; j < ARRAY_LEN(rows); j++)
            tabled |= strcmp(preset->name + strlen("preset/"), rows[j].preset) == 0;
        cr_expect(tabled, "%s has no row", preset->name);
    }
}

/* Whether every quoted host of the line has ports behind it. Quoted paths are none. */
static bool hosts_have_ports(struct slice line)
{
    while (line.len > 0 && line.ptr[0] != '#') {
        char quote = line.ptr[0];
        line = slice_of(line.ptr + 1, line.len - 1);
        if (quote != '"' && quote != '\'')
            continue;
        struct slice host = slice_cut(&line, quote);
        const char *colon = memrchr(host.ptr, ':', host.len);
        if (host.ptr[0] != '/' && (colon == NULL || (colon[1] != '*' && !isdigit(colon[1]))))
            return false;
    }
    return true;
}

/* Read as text: that ports are written and nothing is denied are facts of the document. */
Test(preset_network, no_preset_denies_and_every_host_has_its_ports)
{
    for (size_t i = 0; i < preset_count(); i++) {
        const struct preset *preset = preset_at(i);
        struct slice rest = preset->text;
        if (memmem(rest.ptr, rest.len, "\ndocker:", 8) != NULL)
            continue;
        while (rest.ptr != NULL) {
            struct slice line = slice_cut(&rest, '\n');
            cr_expect(memmem(line.ptr, line.len, "deny:", 5) == NULL || line.ptr[0] == '#',
                      "%s: %.*s", preset->name, (int)line.len, line.ptr);
            cr_expect(hosts_have_ports(line), "%s: %.*s", preset->name, (int)line.len, line.ptr);
        }
    }
}

Test(preset_network, allow_all_leaves_special_purpose_addresses_closed)
{
    static const char *const addresses[] = {
        "127.0.0.1",  "10.0.0.1", "169.254.169.254", "192.168.1.1",     "::1",     "fd00:ec2::254",
        "100.64.0.1", "0.0.0.0",  "64:ff9b::7f00:1", "::ffff:10.0.0.1", "fe80::1", "224.0.0.1"};
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    use(&fixture, "preset/allow-all");
    cr_expect_eq(ask(&fixture, "example.com:443 at=93.184.215.14"), VERDICT_ALLOW);
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        char text[96];
        snprintf(text, sizeof(text), "tunnel example.com:443 at=%s", addresses[i]);
        struct network_verdict verdict =
            network_question_ask(fixture.policy, "default", text, NULL);
        cr_expect_eq(verdict.result, VERDICT_DENY, "%s", addresses[i]);
        cr_expect(strncmp(verdict.reason, "address-class.", 14) == 0, "%s: %s", addresses[i],
                  verdict.reason);
    }
}
