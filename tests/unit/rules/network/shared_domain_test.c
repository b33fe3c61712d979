/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/network/host_name.h"
#include "rules/network/shared_domain.h"

Test(shared_domain, strangers_are_never_under_one_star)
{
    static const struct {
        const char *what, *domain;
        bool shared;
    } rows[] = {
        {"a domain of one owner", "example.com", false},
        {"one with more labels", "cdn.example.com", false},
        {"a hosting domain", "github.io", true},
        {"one site at it", "acme.github.io", false},
        {"a hosting domain of two labels below a country", "pages.dev", true},
        {"one that only ends like it", "notgithub.io", false},
        {"a storage service", "s3.amazonaws.com", true},
        {"one of its regions", "s3.eu-central-1.amazonaws.com", true},
        {"one bucket, of which nobody knows whose", "bucket.s3.amazonaws.com", true},
        {"above an entry", "azure.com", true},
        {"far above an entry", "windows.net", true},
        {"storage below a company's names", "storage.googleapis.com", true},
        {"those names themselves", "googleapis.com", true},
        {"a registry", "co.uk", true},
        {"another", "com.au", true},
        {"and another", "ne.jp", true},
        {"one name at a registry", "example.co.uk", false},
        {"pages of a forge", "gitlab.io", true},
        {"workers", "workers.dev", true},
        {"previews of a platform", "vercel.app", true},
        {"another", "netlify.app", true},
        {"and another", "herokuapp.com", true},
        {"a content network", "cloudfront.net", true},
        {"sites in a cloud", "azurewebsites.net", true},
        {"its storage", "blob.core.windows.net", true},
        {"applications in another", "appspot.com", true},
        {"services in a region of it", "europe-west1.run.app", true},
        {"sites that it hosts", "web.app", true},
        {"pages of code that runs at the edge", "deno.dev", true},
        {"a machine for rent", "fly.dev", true},
        {"a tunnel", "trycloudflare.com", true},
        {"a tunnel in a region", "eu.ngrok.io", true},
        {"a tunnel that the list does not have", "loca.lt", true},
        {"addresses as names", "10.0.0.1.nip.io", true},
        {"buckets", "r2.dev", true},
        {"buckets of another", "fra1.digitaloceanspaces.com", true},
        {"sandboxes of code", "csb.app", true},
        {"repositories of models", "hf.space", true},
        {"blogs", "wordpress.com", true},
        {"what out-of-band tests listen at", "oast.fun", true},
        {"a registry of a closed country", "anything.bd", true},
        {"one name below it", "acme.anything.bd", false},
        {"a region's registry", "qc.ca", true},
        {"a state's", "ca.us", true},
        {"a short name in a country without such", "x.ai", false},
        {"a long name in a country with such", "acme.ca", false},
        {"a registry by what the list has twice", "info.pl", true},
        {"a registry and its country the wrong way round", "uk.co", false},
        {"two labels that are no registry", "acme.io", false},
        {"a country alone", "uk", false},
        {"a company that is called like a registry", "co.example", false},
        {"nothing", "", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_eq(shared_domain_is(slice_from_text(rows[i].domain)), rows[i].shared, "%s",
                     rows[i].what);
}

Test(shared_domain, the_table_is_sorted_and_holds_canonical_names_of_two_labels_at_least)
{
    size_t count;
    const struct shared_domain_row *rows = shared_domain_rows(&count);
    cr_assert_gt(count, 50);
    for (size_t i = 0; i < count; i++) {
        struct host_name host;
        struct error error;
        const char *name = rows[i].domain;
        cr_assert(host_name_parse_dns(slice_from_text(name), &host, &error), "%s", name);
        cr_expect_str_eq(host.text, name);
        cr_expect_not_null(strchr(name, '.'), "%s", name);
        cr_expect(shared_domain_is(slice_from_text(name)), "%s", name);
        cr_expect(i == 0 || strcmp(rows[i - 1].domain, name) < 0, "%s stands behind %s", name,
                  i == 0 ? "" : rows[i - 1].domain);
    }
}
