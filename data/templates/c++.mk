# SPDX-License-Identifier: MIT
# make            builds @NAME@.so
# make check      tests the promises of a plugin, then restores a small picture with it
# make install    puts it where Lacuna finds it by name
# make asan       the checks again with AddressSanitizer (gcc)

NAME = @NAME@
FAMILY = @FAMILY@
CXXFLAGS = -O2 -g -Wall -Wextra -Wno-missing-field-initializers

# Never -ffast-math: it changes the arithmetic of the whole process, and such a plugin is refused.
$(NAME).so: $(NAME).cc
	$(CXX) -std=c++20 $(CXXFLAGS) -fPIC -ffp-contract=off -shared $(FLAGS) $< -o $@ $(LDFLAGS) $(LIBS) -lm
