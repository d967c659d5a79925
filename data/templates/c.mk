# SPDX-License-Identifier: MIT
# make            builds @NAME@.so
# make check      tests the promises of a plugin, then restores a small picture with it
# make install    puts it where Lacuna finds it by name
# make asan       the checks again with AddressSanitizer (gcc)

NAME = @NAME@
FAMILY = @FAMILY@
CFLAGS = -O2 -g -Wall -Wextra

# Never -ffast-math: it changes the arithmetic of the whole process, and such a plugin is refused.
$(NAME).so: $(NAME).c
	$(CC) -std=c11 $(CFLAGS) -fPIC -ffp-contract=off -shared $(FLAGS) $< -o $@ $(LDFLAGS) $(LIBS) -lm
