# SPDX-License-Identifier: MIT
# The module as LuaRocks builds it: against an installed library, which may also be a build tree's.
# SWIG runs where the tree has the operation table; a source rock brings the wrapper (make -f rock.mk aioclone_wrap.c).
SWIG = swig
TREE = ../../libaio-clone/src
SOURCES = aioclone_wrap.c $(wildcard src/*.c)

all: core.so

core.so: $(SOURCES) $(wildcard src/*.h)
	$(CC) -D_GNU_SOURCE -std=gnu11 $(CFLAGS) -fPIC -fvisibility=hidden -Isrc -I$(LUA_INCDIR) -I$(AIOCLONE_INCDIR) \
	    $(LIBFLAG) -o $@ $(SOURCES) -L$(AIOCLONE_LIBDIR) -laioclone

ifneq ($(wildcard $(TREE)/core/operations.def),)
aioclone_wrap.c: core.i ../swig/lua_types.swg ../swig/aioclone.i operations.i
	$(SWIG) -lua -nomoduleglobal -w321 -I../swig -I. -o $@ core.i

operations.i: ../swig/operations.h $(TREE)/core/operations.def
	$(CC) -E -P -D AIOC_SWIG_COMPOSITES -I$(TREE) -o $@ ../swig/operations.h
endif

install: core.so
	mkdir -p $(LIBDIR)/aioclone $(LUADIR)/aioclone
	cp core.so $(LIBDIR)/aioclone/
	cp lua/aioclone.lua $(LUADIR)/
	cp lua/aioclone/*.lua $(LUADIR)/aioclone/

clean:
	rm -f core.so aioclone_wrap.c operations.i

.PHONY: all install clean
