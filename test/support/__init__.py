# SPDX-License-Identifier: PostgreSQL
"""What the tests share: a faulty proxy, a scripted server, SQL builders, data."""
