"""What Prometheus reads, and the counting of requests."""

from time import perf_counter

from flask import Blueprint, Flask, Response, g
from flask import request as http
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST

from app.api.request import parts
from app.metrics import Metrics, read_database, without_database

bp = Blueprint("metrics", __name__)

UNKNOWN_ROUTE = "unknown"


@bp.get("/metrics")
def show_metrics() -> ResponseReturnValue:
    """Tell what was counted, in the text format of Prometheus; needs no token."""
    hindsight = parts()
    readings = (
        read_database(hindsight.log, lease=hindsight.settings.lease)
        if hindsight.readiness.database_answers()  # else reading could hang
        else without_database()
    )
    return Response(hindsight.metrics.exposition(*readings), content_type=CONTENT_TYPE_LATEST)


def install(app: Flask, metrics: Metrics) -> None:
    """Count every request of an application."""

    def count(response: Response) -> Response:
        request = http._get_current_object()  # type: ignore[attr-defined] # the proxy costs, each time
        rule = request.url_rule
        metrics.answered(
            request.method,
            UNKNOWN_ROUTE if rule is None else rule.rule,
            response.status_code,
            perf_counter() - g.started,
        )
        return response

    app.after_request(count)
