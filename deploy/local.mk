EXTRA_DIST += Dockerfile .dockerignore deploy/local.mk deploy/quickstart \
	deploy/debian \
	deploy/systemd/dockreeve-egress.service.in deploy/systemd/dockreeve.service.in docs

dist_man1_MANS += \
	deploy/man/dockreeve.1 \
	deploy/man/dockreeve-doctor.1 \
	deploy/man/dockreeve-healthcheck.1 \
	deploy/man/dockreeve-policy.1 \
	deploy/man/dockreeve-policy-inspect.1 \
	deploy/man/dockreeve-policy-log.1 \
	deploy/man/dockreeve-policy-ls.1 \
	deploy/man/dockreeve-policy-reload.1 \
	deploy/man/dockreeve-policy-schema.1 \
	deploy/man/dockreeve-policy-status.1 \
	deploy/man/dockreeve-policy-suggest.1 \
	deploy/man/dockreeve-policy-test.1 \
	deploy/man/dockreeve-serve.1
dist_man5_MANS += deploy/man/dockreeve-log.5 deploy/man/dockreeve-policy.5

exampledir = $(docdir)/examples
dist_example_DATA = deploy/compose.yaml deploy/compose.agents.yaml deploy/compose.egress.yaml deploy/compose.metrics.yaml deploy/policy.example.yaml
egressexampledir = $(exampledir)/egress
dist_egressexample_DATA = deploy/egress/policy.yaml
metricsexampledir = $(exampledir)/metrics
dist_metricsexample_DATA = deploy/metrics/prometheus.yml

# Below the prefix, so that an installation for one user and `make distcheck` work; /usr/local/lib/systemd/system is searched too.
systemdsystemunitdir = $(prefix)/lib/systemd/system
dist_systemdsystemunit_DATA = deploy/systemd/dockreeve.socket deploy/systemd/dockreeve@.socket
nodist_systemdsystemunit_DATA = deploy/systemd/dockreeve-egress.service deploy/systemd/dockreeve.service
CLEANFILES += $(nodist_systemdsystemunit_DATA)
make_unit = $(AM_V_GEN)$(MKDIR_P) deploy/systemd && sed 's|@bindir[@]|$(bindir)|' $(top_srcdir)/$@.in >$@.new && mv $@.new $@
deploy/systemd/dockreeve-egress.service: $(top_srcdir)/deploy/systemd/dockreeve-egress.service.in Makefile
	$(make_unit)
deploy/systemd/dockreeve.service: $(top_srcdir)/deploy/systemd/dockreeve.service.in Makefile
	$(make_unit)

# The container image: the last stage of the Dockerfile and the stripped static binary are all that docker build is given, in a folder of this run's own.
DOCKER = docker
IMAGE = dockreeve:$(VERSION)
.PHONY: image
if STATIC_BINARY
image: dockreeve$(EXEEXT)
	@set -e; context=$$(mktemp -d deploy-image.XXXXXX); trap 'rm -rf "$$context"' EXIT; \
	strip -o "$$context/dockreeve" dockreeve$(EXEEXT); \
	chmod 755 "$$context/dockreeve"; \
	sed '/^ARG BASE/,/^$$/d; s/ --from=build//' $(top_srcdir)/Dockerfile >"$$context/Dockerfile"; \
	$(DOCKER) build -t $(IMAGE) "$$context"
else
image:
	@echo "make image: the image holds one static file: run ./configure --enable-static-binary first" >&2; exit 1
endif

# The package, by Debian's own tools: dockreeve_VERSION_ARCHITECTURE.deb beside this run's own copy of the tree in deb/.
.PHONY: deb
deb:
	rm -rf deb && $(MKDIR_P) deb
	$(MAKE) distdir distdir=deb/$(distdir)
	cp -R deb/$(distdir)/deploy/debian deb/$(distdir)/debian
	cd deb/$(distdir) && dpkg-buildpackage -b -us -uc
