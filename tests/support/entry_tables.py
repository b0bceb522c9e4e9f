"""The reviewed tables of entries: which viewer reads which entry, and the effect of every kind of write.

Encryption makes no difference, so it is not in the tables; for readers, neither does the flag `isEditable`.
An entry is valid for `ever`, `now` with an end, or `soon`; or its validity is `over`.
"""

READS = """
v: the value is visible, -: it is not, F: forbidden, N: not found

                                                       public                 hidden
route              viewer                         ever now soon over     ever now soon over
object             self                            v    v    -    -       -    -    -    -
object             admin owner                     v    v    -    -       v    v    -    -
object             colleague                       F    F    F    F       F    F    F    F
object             stranger foreign_admin          N    N    N    N       N    N    N    N
object-of-user     self                            v    v    -    -       -    -    -    -
object-of-user     admin owner                     v    v    -    -       v    v    -    -
object-of-user     colleague                       F    F    F    F       F    F    F    F
object-of-user     stranger foreign_admin          -    -    -    -       -    -    -    -
object-by-node     self                            v    v    -    -       -    -    -    -
object-by-node     admin owner                     v    v    -    -       v    v    -    -
object-by-node     colleague stranger foreign_admin -   -    -    -       -    -    -    -
object-by-entity   self                            v    v    -    -       -    -    -    -
object-by-entity   admin owner                     v    v    -    -       v    v    -    -
object-by-entity   colleague stranger foreign_admin -   -    -    -       -    -    -    -
object-by-rest     self                            v    v    -    -       -    -    -    -
object-by-rest     admin owner                     v    v    -    -       v    v    -    -
object-by-rest     colleague                       F    F    F    F       F    F    F    F
object-by-rest     stranger foreign_admin          N    N    N    N       N    N    N    N
keys               self                            v    v    -    -       -    -    -    -
keys               admin owner                     v    v    -    -       v    v    -    -
keys               colleague                       F    F    F    F       F    F    F    F
keys               stranger foreign_admin          N    N    N    N       N    N    N    N
as-of-earlier      self                            v    v    -    v       -    -    -    -
as-of-earlier      admin owner                     v    v    -    v       v    v    -    v
as-of-earlier      colleague                       F    F    F    F       F    F    F    F
as-of-later        self                            v    -    -    -       -    -    -    -
as-of-later        admin owner                     v    -    v    -       v    -    v    -
as-of-later        colleague                       F    F    F    F       F    F    F    F
entry              self                            v    v    -    -       -    -    -    -
entry              admin owner                     v    v    -    -       v    v    -    -
entry              colleague                       F    F    F    F       F    F    F    F
entry              stranger foreign_admin          N    N    N    N       N    N    N    N
entries            self                            v    v    -    -       -    -    -    -
entries            admin owner                     v    v    -    -       v    v    -    -
entries            colleague                       F    F    F    F       F    F    F    F
entries            stranger foreign_admin          N    N    N    N       N    N    N    N
inactive-too       self                            F    F    F    F       F    F    F    F
inactive-too       admin owner                     v    v    v    v       v    v    v    v
inactive-too       colleague                       F    F    F    F       F    F    F    F
inactive-too       stranger foreign_admin          N    N    N    N       N    N    N    N
node               self                            v    v    -    -       -    -    -    -
node               admin owner                     v    v    -    -       v    v    -    -
node               colleague stranger foreign_admin -   -    -    -       -    -    -    -
nodes              self                            v    v    -    -       -    -    -    -
nodes              admin owner                     v    v    -    -       v    v    -    -
nodes              colleague stranger foreign_admin -   -    -    -       -    -    -    -
conflict           self                            v    v    -    -       -    -    -    -
conflict           admin owner                     v    v    v    -       v    v    v    -
conflict           colleague                       F    F    F    F       F    F    F    F
conflict           stranger foreign_admin          N    N    N    N       N    N    N    N
"""

WRITES = """
s: the value is set, window and flags are kept, w: the value is set without a window, b: a new entry is made,
d: the entry is deleted, =: nothing changes, E: refused as not editable, V: refused because it needs a value

                        public, editable   public, locked     hidden, editable   hidden, locked
route       viewer      ever now soon over ever now soon over ever now soon over ever now soon over
patch       self         s   w   w    b     E   E   E    b     s   w   w    b     E   E   E    b
patch       admin owner  s   w   w    b     s   w   w    b     s   w   w    b     s   w   w    b
patch-same  self         =   w   w    b     =   =   E    b     s   w   w    b     E   E   E    b
patch-same  admin owner  =   w   w    b     =   w   w    b     =   w   w    b     =   w   w    b
patch-drop  self         d   d   =    =     E   E   =    =     =   =   =    =     =   =   =    =
patch-drop  admin owner  d   d   d    =     d   d   d    =     d   d   d    =     d   d   d    =
set         self         s   s   s    b     E   E   E    b     s   s   s    b     E   E   E    b
set         admin owner  s   s   s    b     s   s   s    b     s   s   s    b     s   s   s    b
set-same    self         =   =   s    b     E   E   E    b     s   s   s    b     E   E   E    b
set-same    admin owner  =   =   =    b     =   =   =    b     =   =   =    b     =   =   =    b
set-attr    self         s   s   E    V     E   E   E    V     E   E   E    V     E   E   E    V
set-attr    admin owner  s   s   s    V     s   s   s    V     s   s   s    V     s   s   s    V
set-public  self         =   =   E    V     E   E   E    V     E   E   E    V     E   E   E    V
set-public  admin owner  =   =   =    V     =   =   =    V     s   s   s    V     s   s   s    V
set-drop    self         d   d   =    =     E   E   =    =     =   =   =    =     =   =   =    =
set-drop    admin owner  d   d   d    =     d   d   d    =     d   d   d    =     d   d   d    =
rest-patch  self         s   w   w    b     E   E   E    b     s   w   w    b     E   E   E    b
rest-patch  admin owner  s   w   w    b     s   w   w    b     s   w   w    b     s   w   w    b
rest-drop   self         d   d   =    =     E   E   =    =     =   =   =    =     =   =   =    =
rest-drop   admin owner  d   d   d    =     d   d   d    =     d   d   d    =     d   d   d    =
replace     self         s   w   w    b     E   E   E    b     s   w   w    b     E   E   E    b
replace     admin owner  s   w   w    b     s   w   w    b     s   w   w    b     s   w   w    b
rest-put    self         s   w   w    b     E   E   E    b     s   w   w    b     E   E   E    b
rest-put    admin owner  s   w   w    b     s   w   w    b     s   w   w    b     s   w   w    b
replace-all self         d   d   =    d     =   =   =    d     =   =   =    d     =   =   =    d
replace-all admin owner  d   d   d    d     d   d   d    d     d   d   d    d     d   d   d    d
clear       self         d   d   =    d     =   =   =    d     =   =   =    d     =   =   =    d
clear       admin owner  d   d   d    d     d   d   d    d     d   d   d    d     d   d   d    d
rest-delete self         d   d   =    d     =   =   =    d     =   =   =    d     =   =   =    d
rest-delete admin owner  d   d   d    d     d   d   d    d     d   d   d    d     d   d   d    d
"""


def rows(table: str, columns: int) -> dict[tuple[str, str], str]:
    """From (route, viewer) to the cells, one character each."""
    table_rows: dict[tuple[str, str], str] = {}
    body = table[table.index("route ") :]
    for line in body.strip().splitlines()[1:]:
        route, *words = line.split()
        cells = "".join(words[-columns:])
        assert len(cells) == columns, line
        for viewer in words[:-columns]:
            assert (route, viewer) not in table_rows, f"{route} {viewer} has two rows"
            table_rows[route, viewer] = cells
    return table_rows
