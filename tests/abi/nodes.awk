# SPDX-License-Identifier: MIT
# The version script as lines of "symbol node".
/^AIOCLONE_[0-9.]+ *\{/ { node = $1 }
/^ +aioc_[a-z0-9_]+;/ { sub(/;/, ""); print $1, node }
