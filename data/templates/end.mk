
# ---- you need not change anything below

PKG_CONFIG = pkg-config
# Add the libraries of your plugin here, by their names for pkg-config.
PACKAGES = lacuna
# The lacuna that wrote this file, unless another one comes first in the environment.
LOOK_UP = PKG_CONFIG_PATH="$${PKG_CONFIG_PATH:+$$PKG_CONFIG_PATH:}@PKGCONFIGDIR@" $(PKG_CONFIG)
LACUNA := $(shell $(LOOK_UP) --variable=program lacuna 2>/dev/null)
ifeq ($(LACUNA),)
$(error $(PKG_CONFIG) finds no lacuna: set PKG_CONFIG_PATH to the directory of lacuna.pc)
endif
FLAGS := $(shell $(LOOK_UP) --cflags $(PACKAGES))
LIBS := $(shell $(LOOK_UP) --libs $(PACKAGES))
USER_PLUGINS = $(or $(XDG_DATA_HOME),$(HOME)/.local/share)/lacuna/plugins/$(FAMILY)s

.DEFAULT_GOAL = all
all: $(NAME).so

check: all
	LACUNA='$(LACUNA)' sh ./test.sh

install: all
	install -d -m 755 '$(DESTDIR)$(USER_PLUGINS)'
	install -m 755 $(NAME).so '$(DESTDIR)$(USER_PLUGINS)'

uninstall:
	rm -f '$(DESTDIR)$(USER_PLUGINS)/$(NAME).so'

asan: clean
	$(MAKE) all CFLAGS='-O1 -g -Wall -Wextra -fsanitize=address' CXXFLAGS='-O1 -g -fsanitize=address'
	ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD="`$(CC) -print-file-name=libasan.so`" '$(LACUNA)' check ./$(NAME).so
	$(MAKE) clean

clean:
	rm -f $(NAME).so *.o *.a *.mod
	rm -rf try-$(NAME)

.PHONY: all check install uninstall asan clean
