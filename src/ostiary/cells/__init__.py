"""Cells: the processes of one tenant that is pinned to them, with a root key that opens its keys alone and a database role that reaches its rows alone.

To a cell the installation is its own: people, sessions, API keys and log of INSTALL are rows of `ids.install_of(tenant)`, copied when the tenant was pinned. So
a cell shares with the installation nothing that opens or forges anything of another tenant.
"""
