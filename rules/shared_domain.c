/* SPDX-License-Identifier: Apache-2.0
 *
 * The table, reviewed 2026-11. Source: the platforms of the private section of the Public Suffix
 * List (https://publicsuffix.org/list/) that agents and builds meet, and what platforms say
 * themselves of the names that they give out. `googleapis.com`, `windows.net`, `amazonaws.com` and
 * content networks are no public suffixes as a whole, but storage and sites that anybody can rent
 * answer below them. Second levels of registries: the labels that the list's ICANN section has
 * again and again in front of two-letter domains. */
#include "rules/shared_domain.h"

static const struct shared_domain_row rows[] = {
    {"amazonaws.com", true},
    {"amazonaws.com.cn", true},
    {"appspot.com", true},
    {"awsapprunner.com", true},
    {"azure-api.net", false},
    {"azurecontainerapps.io", true},
    {"azurecr.io", false},
    {"azureedge.net", false},
    {"azurefd.net", true},
    {"azurestaticapps.net", true},
    {"azurewebsites.net", true},
    {"b-cdn.net", false},
    {"backblazeb2.com", true},
    {"bitbucket.io", false},
    {"blob.core.windows.net", true},
    {"blogspot.com", false},
    {"cdn.cloudflare.net", false},
    {"cloudapp.azure.com", true},
    {"cloudapp.net", false},
    {"cloudflarestorage.com", true},
    {"cloudfront.net", false},
    {"cloudfunctions.net", true},
    {"cloudworkstations.dev", true},
    {"codespaces.githubusercontent.com", false},
    {"core.windows.net", true},
    {"deno.dev", false},
    {"digitaloceanspaces.com", true},
    {"duckdns.org", false},
    {"edgesuite.net", false},
    {"elasticbeanstalk.com", true},
    {"fastly.net", true},
    {"fastlylb.net", true},
    {"firebaseapp.com", false},
    {"firebaseio.com", true},
    {"fly.dev", false},
    {"gateway.dev", true},
    {"github.dev", false},
    {"github.io", false},
    {"gitlab.io", false},
    {"gitpod.io", true},
    {"glitch.me", false},
    {"googleapis.com", true},
    {"googleusercontent.com", true},
    {"herokuapp.com", false},
    {"hf.space", false},
    {"linodeobjects.com", true},
    {"loca.lt", false},
    {"myqcloud.com", true},
    {"netlify.app", false},
    {"ngrok-free.app", false},
    {"ngrok-free.dev", false},
    {"ngrok.app", false},
    {"ngrok.dev", false},
    {"ngrok.io", true},
    {"on.aws", true},
    {"onrender.com", false},
    {"ovh.net", true},
    {"pages.dev", false},
    {"pythonanywhere.com", false},
    {"r2.dev", true},
    {"railway.app", true},
    {"readthedocs.io", false},
    {"repl.co", true},
    {"replit.app", false},
    {"replit.dev", true},
    {"run.app", true},
    {"scw.cloud", true},
    {"sharepoint.com", false},
    {"sslip.io", true},
    {"supabase.co", false},
    {"surge.sh", false},
    {"tigris.dev", true},
    {"trafficmanager.net", true},
    {"trycloudflare.com", false},
    {"tumblr.com", false},
    {"vercel-storage.com", true},
    {"vercel.app", false},
    {"wasabisys.com", true},
    {"web.app", false},
    {"windows.net", true},
    {"wordpress.com", false},
    {"workers.dev", true},
    {"xip.io", true},
};

/* The labels that stand for "registry" in front of a country's two letters. */
static const char *const registry_labels[] = {
    "ac",  "asn",  "biz", "co",  "com", "ed",  "edu", "firm", "gen",   "go",
    "gob", "gouv", "gov", "gv",  "id",  "idv", "in",  "ind",  "inf",   "int",
    "k12", "lg",   "ltd", "me",  "mil", "my",  "ne",  "net",  "nhs",   "ni",
    "nic", "nom",  "or",  "org", "plc", "pro", "res", "sch",  "store", "web",
};

const struct shared_domain_row *shared_domain_rows(size_t *count_out)
{
    *count_out = ARRAY_LEN(rows);
    return rows;
}

static bool is_below(struct slice name, struct slice parent)
{
    return name.len > parent.len && name.ptr[name.len - parent.len - 1] == '.' &&
           memcmp(name.ptr + name.len - parent.len, parent.ptr, parent.len) == 0;
}

static bool is_registry(struct slice domain)
{
    struct slice country = domain;
    struct slice label = slice_cut(&country, '.');
    if (country.len != 2 || memchr(country.ptr, '.', country.len) != NULL)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(registry_labels); i++) {
        if (slice_equal_text(label, registry_labels[i]))
            return true;
    }
    return false;
}

bool shared_domain_is(struct slice domain)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice row = slice_from_text(rows[i].domain);
        if (slice_equal(domain, row) || is_below(row, domain) ||
            (rows[i].deep && is_below(domain, row)))
            return true;
    }
    return is_registry(domain);
}
