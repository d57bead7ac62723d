# SPDX-License-Identifier: PostgreSQL
"""Three of ten answers are lost after the service has done what was asked: what is stored
is what the command's tag and EXPLAIN say, or what the error says is written, with what it
says is perhaps."""

import concurrent.futures
import contextlib

import psycopg
import pytest
from support import proxy as faults
from support.fdw import explain
from support.lossy import (
    CHANGES,
    EXPLAINED,
    INSERTS,
    LOSSES,
    WRITES,
    Site,
    items_written,
    undo,
)
from support.written import Warnings


@pytest.fixture
def make_site(connect, proxy, make_table):
    def make(filled):
        return Site(connect(), proxy, {n: make_table(("id",), "id:N") for n in "ab"}, filled)

    return make


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", INSERTS | CHANGES)
def test_what_is_said_is_stored(make_site, name, loss):
    statement = (INSERTS | CHANGES)[name]
    site = make_site(name in CHANGES)
    if "whole" in statement:
        site.make_whole()
    warnings = Warnings(site.db)
    for seed in range(2):
        site.note()
        try:
            with site.losing(seed, LOSSES[loss]):
                tag = site.run(statement)
        except psycopg.Error as error:
            assert error.sqlstate == "08007", error
            said = site.said(error.diag)
            assert {n: sum(counts) for n, counts in said.items()} == site.changed()
        else:
            parts = 2 if "two parts" in name else 1
            assert tag * parts == sum(site.changed().values())
        assert warnings.take() == []
        undo(site)


@pytest.mark.parametrize("name", ["INSERT", "COPY in put mode", "UPDATE", "DELETE by key"])
def test_requests_that_are_lost_on_their_way(make_site, name):
    """Beside answers that are: then some of what is written perhaps is not."""
    site = make_site(name in CHANGES)
    for seed in range(4):
        site.note()
        with contextlib.ExitStack() as stack:
            stack.enter_context(site.losing(seed, faults.close_before))
            stack.enter_context(site.losing(seed + 50, LOSSES["closed"]))
            try:
                tag = site.run((INSERTS | CHANGES)[name])
            except psycopg.Error as error:
                said = site.said(error.diag)
            else:
                said = {"a": (tag, 0), "b": (0, 0)}
        for table, (written, perhaps) in said.items():
            assert written <= site.changed()[table] <= written + perhaps
        undo(site)


@pytest.mark.parametrize("name", EXPLAINED)
def test_explain_says_it_too(make_site, name):
    statement = (INSERTS | CHANGES)[name]
    site = make_site(name in CHANGES)
    if "whole" in statement:
        site.make_whole()
    for seed in range(2):
        site.note()
        with contextlib.suppress(psycopg.errors.TransactionResolutionUnknown):
            with site.losing(seed, LOSSES["closed"]):
                plan = explain(site.db, statement, analyze="true")
            assert items_written(plan) == sum(site.changed().values())
        undo(site)


def test_a_resend_by_libcurl_is_a_retry(make_site):
    site = make_site(filled=False)
    with site.proxy.record() as calls, site.proxy.inject(
        LOSSES["closed"](), operation="PutItem", times=1
    ):
        plan = explain(site.db, "INSERT INTO put VALUES (1, 0, 1)", analyze="true")
    assert len(calls.data) == 2
    assert (plan["Requests"], plan["Retries"], items_written(plan)) == (1, 1, 1)


@pytest.mark.parametrize("name", ["INSERT", "COPY in put mode", "UPDATE", "DELETE by key"])
def test_cancel(make_site, connect, name):
    """Once one request gets no answer, and others have lost theirs."""
    site = make_site(name in CHANGES)
    observer = connect()
    site.note()
    with contextlib.ExitStack() as stack:
        stack.enter_context(site.losing(5, LOSSES["closed"]))
        hang = faults.hang()
        for operation in WRITES:
            stack.enter_context(site.proxy.inject(hang, operation=operation, every=2))
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(1))
        running = pool.submit(site.run, (INSERTS | CHANGES)[name])
        assert hang.reached.wait(30)
        observer.execute("SELECT pg_cancel_backend(%s)", [site.db.info.backend_pid])
        error = running.exception(30)
    assert error.sqlstate == "57014"
    for table, (written, perhaps) in site.said(error.diag).items():
        assert written <= site.changed()[table] <= written + perhaps
