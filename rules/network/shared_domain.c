/* SPDX-License-Identifier: Apache-2.0
 *
 * The table. Source: the Public Suffix List (https://publicsuffix.org/list/) in two copies, that of
 * OpenJDK 25 (the list's commit 823beb1) and Debian's of 2023-02-09, held against this file on
 * 2026-11-21. From its private section stands here what agents and builds meet, each domain once,
 * at the label above all entries of one service, since `*.` of that reaches them, too. Not in the
 * list, and here by what is known of the services: storage and sites that anybody can rent below a
 * company's own domain (googleapis.com, windows.net, amazonaws.com as wholes), tunnels and
 * addresses as names (loca.lt, nip.io, oast.fun), and platforms that have not asked to be listed
 * (surge.sh, railway.app). Of its ICANN section: the labels that mostly several countries have
 * in front of their letters, the countries that are closed, and regions of one or two letters.
 * Names of cities below .jp, .no, .it, .pl and others are too many for a small table and are not
 * here. */
#include "rules/network/shared_domain.h"

static const struct shared_domain_row rows[] = {
    {"adaptable.app", false},
    {"akamai.net", false},
    {"akamaihd.net", false},
    {"akamaized.net", false},
    {"aliyuncs.com", true},
    {"altervista.org", false},
    {"amazonaws.com", true},
    {"amazonaws.com.cn", true},
    {"amplifyapp.com", false},
    {"appdomain.cloud", true},
    {"appspot.com", true},
    {"appwrite.global", false},
    {"atlassian.net", false},
    {"awsapprunner.com", true},
    {"awsapps.com", true},
    {"awsglobalaccelerator.com", false},
    {"azure-api.net", false},
    {"azure-mobile.net", false},
    {"azurecontainer.io", true},
    {"azurecontainerapps.io", true},
    {"azurecr.io", false},
    {"azureedge.net", false},
    {"azurefd.net", true},
    {"azurestaticapps.net", true},
    {"azurewebsites.net", true},
    {"b-cdn.net", false},
    {"backblazeb2.com", true},
    {"bcebos.com", true},
    {"beeceptor.com", true},
    {"bitbucket.io", false},
    {"blob.core.windows.net", true},
    {"blogspot.com", false},
    {"bolt.host", false},
    {"bubbleapps.io", true},
    {"canva.site", true},
    {"carrd.co", false},
    {"cdn.cloudflare.net", false},
    {"cdn77.org", true},
    {"cleverapps.io", false},
    {"cloudapp.azure.com", true},
    {"cloudapp.net", false},
    {"cloudflarestorage.com", true},
    {"cloudfront.net", false},
    {"cloudfunctions.net", true},
    {"cloudworkstations.dev", true},
    {"code.run", true},
    {"codeberg.page", false},
    {"codesandbox.io", true},
    {"codespaces.githubusercontent.com", false},
    {"convex.cloud", false},
    {"convex.site", false},
    {"core.windows.net", true},
    {"csb.app", true},
    {"customer-oci.com", true},
    {"ddns.net", false},
    {"dedyn.io", false},
    {"deno.dev", false},
    {"deno.net", false},
    {"devtunnels.ms", true},
    {"digitaloceanspaces.com", true},
    {"duckdns.org", false},
    {"dyndns.org", true},
    {"dynu.net", false},
    {"dynv6.net", false},
    {"edgeapp.net", false},
    {"edgecompute.app", false},
    {"edgekey.net", false},
    {"edgesuite-staging.net", false},
    {"edgesuite.net", false},
    {"editorx.io", false},
    {"elasticbeanstalk.com", true},
    {"encr.app", false},
    {"fastly-edge.com", false},
    {"fastly.net", true},
    {"fastlylb.net", true},
    {"firebaseapp.com", false},
    {"firebaseio.com", true},
    {"fly.dev", false},
    {"framer.app", false},
    {"framer.media", false},
    {"framer.website", false},
    {"gateway.dev", true},
    {"ghost.io", false},
    {"gitbook.io", false},
    {"github.dev", false},
    {"github.io", false},
    {"githubpreview.dev", false},
    {"gitlab.io", false},
    {"gitpod.io", true},
    {"glitch.me", false},
    {"googleapis.com", true},
    {"googlecode.com", false},
    {"googleusercontent.com", true},
    {"gradio.live", false},
    {"hasura-app.io", false},
    {"hasura.app", false},
    {"herokuapp.com", false},
    {"hf.space", true},
    {"hopto.org", false},
    {"koyeb.app", false},
    {"lhr.life", false},
    {"linodeobjects.com", true},
    {"linodeusercontent.com", true},
    {"loca.lt", false},
    {"lovable.app", false},
    {"lovableproject.com", false},
    {"modal.run", false},
    {"myftp.org", false},
    {"myhuaweicloud.com", true},
    {"myjino.ru", true},
    {"myqcloud.com", true},
    {"myshopify.com", false},
    {"nabu.casa", true},
    {"neocities.org", false},
    {"netlify.app", false},
    {"ngrok-free.app", false},
    {"ngrok-free.dev", false},
    {"ngrok.app", false},
    {"ngrok.dev", false},
    {"ngrok.io", true},
    {"ngrok.pizza", false},
    {"ngrok.pro", false},
    {"nip.io", true},
    {"no-ip.org", false},
    {"northflank.app", true},
    {"notion.site", false},
    {"now.sh", false},
    {"oast.fun", true},
    {"oast.live", true},
    {"oast.me", true},
    {"oast.online", true},
    {"oast.pro", true},
    {"oast.site", true},
    {"oastify.com", true},
    {"on.aws", true},
    {"ondigitalocean.app", false},
    {"onmicrosoft.com", false},
    {"onporter.run", false},
    {"onrender.com", false},
    {"oraclecloud.com", true},
    {"oraclecloudapps.com", true},
    {"ovh.net", true},
    {"pages.dev", false},
    {"pantheonsite.io", false},
    {"pinggy.link", true},
    {"pipedream.net", true},
    {"platform.sh", true},
    {"platformsh.site", true},
    {"pythonanywhere.com", true},
    {"r2.dev", true},
    {"railway.app", true},
    {"readthedocs-hosted.com", false},
    {"readthedocs.io", false},
    {"repl.co", true},
    {"repl.run", false},
    {"replit.app", false},
    {"replit.dev", true},
    {"run.app", true},
    {"scw.cloud", true},
    {"serveftp.com", false},
    {"sharepoint.com", false},
    {"sslip.io", true},
    {"stackblitz.io", true},
    {"streamlit.app", false},
    {"streamlitapp.com", false},
    {"substack.com", false},
    {"supabase.co", false},
    {"supabase.in", false},
    {"supabase.net", false},
    {"surge.sh", false},
    {"sytes.net", false},
    {"telebit.io", false},
    {"tigris.dev", true},
    {"trafficmanager.net", true},
    {"translate.goog", false},
    {"trycloudflare.com", false},
    {"ts.net", false},
    {"tumblr.com", false},
    {"upsun.app", true},
    {"usercontent.goog", true},
    {"val.run", true},
    {"vercel-storage.com", true},
    {"vercel.app", false},
    {"vercel.dev", false},
    {"vultrobjects.com", true},
    {"vusercontent.net", false},
    {"wasabisys.com", true},
    {"web.app", false},
    {"webcontainer.io", true},
    {"webflow.io", false},
    {"windows.net", true},
    {"withgoogle.com", false},
    {"withyoutube.com", false},
    {"wixsite.com", false},
    {"wixstudio.com", false},
    {"wixstudio.io", false},
    {"wordpress.com", false},
    {"workers.dev", true},
    {"xip.io", true},
    {"zapto.org", false},
    {"zeabur.app", false},
};

/* The labels that stand for "registry" in front of a country's two letters. */
static const char *const registry_labels[] = {
    "ac",     "adv", "aero",   "agro",   "art",  "arts", "asn",    "asso",  "bib", "biz",
    "blog",   "co",  "com",    "conf",   "coop", "eco",  "ed",     "edu",   "fin", "firm",
    "gen",    "go",  "gob",    "gouv",   "gov",  "gv",   "health", "hotel", "id",  "idv",
    "in",     "ind", "inf",    "info",   "int",  "k12",  "lg",     "ltd",   "me",  "med",
    "media",  "mil", "mobi",   "museum", "my",   "name", "ne",     "net",   "ngo", "nhs",
    "nic",    "nom", "nome",   "og",     "or",   "org",  "per",    "perso", "plc", "pol",
    "pp",     "prd", "press",  "presse", "priv", "pro",  "rec",    "rel",   "rep", "res",
    "sc",     "sch", "school", "shop",   "sld",  "soc",  "store",  "tec",   "tm",  "tourism",
    "travel", "tur", "tv",     "univ",   "web",  "wiki",
};

/* Countries below which every name is a registry: `*.bd` in the list. */
static const char *const closed_countries[] = {"bd", "ck", "er", "fk", "jm",
                                               "kh", "mm", "np", "pg"};

/* Countries whose regions and cities have registries of one or two letters: ca.us, qc.ca, mi.it. */
static const char *const regional_countries[] = {"ao", "au", "bg", "br", "ca", "cn", "in", "it",
                                                 "kr", "na", "no", "se", "tr", "ua", "us"};

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

static bool is_among(struct slice text, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_equal_text(text, texts[i]))
            return true;
    }
    return false;
}

static bool is_registry(struct slice domain)
{
    struct slice country = domain;
    struct slice label = slice_cut(&country, '.');
    if (country.len != 2 || memchr(country.ptr, '.', country.len) != NULL)
        return false;
    return is_among(label, registry_labels, ARRAY_LEN(registry_labels)) ||
           is_among(country, closed_countries, ARRAY_LEN(closed_countries)) ||
           (label.len <= 2 && is_among(country, regional_countries, ARRAY_LEN(regional_countries)));
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
