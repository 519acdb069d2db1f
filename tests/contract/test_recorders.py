"""The library's own cases for recorders, run on ours."""

import unittest

import pytest
from eventsourcing.persistence import AggregateRecorder, ApplicationRecorder
from eventsourcing.tests import persistence as library

from storage.recorder import EVENTS_TABLE, SNAPSHOTS_TABLE, EventDatastore, EventRecorder, LeanReads

cases_of = unittest.TestLoader().getTestCaseNames


@pytest.mark.parametrize("case", cases_of(library.ApplicationRecorderTestCase))
def test_the_event_recorder_passes_the_library_s_cases(
    datastore: EventDatastore, case: str
) -> None:
    class Cases(library.ApplicationRecorderTestCase[ApplicationRecorder]):
        def create_recorder(self) -> ApplicationRecorder:
            return event_recorder(datastore)

    Cases(case).debug()


@pytest.mark.parametrize("case", cases_of(library.NonInterleavingNotificationIDsBaseCase))
def test_positions_of_one_append_stay_together(datastore: EventDatastore, case: str) -> None:
    class Cases(library.NonInterleavingNotificationIDsBaseCase):
        def create_recorder(self) -> ApplicationRecorder:
            return event_recorder(datastore)

    Cases(case).debug()


@pytest.mark.parametrize("case", cases_of(library.AggregateRecorderTestCase))
def test_the_snapshot_recorder_passes_the_library_s_cases(
    datastore: EventDatastore, case: str
) -> None:
    class Cases(library.AggregateRecorderTestCase):
        def create_recorder(self) -> AggregateRecorder:
            recorder = LeanReads(datastore, events_table_name=SNAPSHOTS_TABLE, for_snapshots=True)
            recorder.create_table()
            return recorder

    Cases(case).debug()


def event_recorder(datastore: EventDatastore) -> EventRecorder:
    recorder = EventRecorder(datastore, events_table_name=EVENTS_TABLE)
    recorder.create_table()
    return recorder
