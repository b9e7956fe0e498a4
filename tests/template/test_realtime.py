"""WebSocket API: every event reaches one function, and messages are not logged."""

from tests.template.parsed import functions, queue_of, resources, template, variables
from videojobs.adapters.mongo.indexes import NOTICED_SECONDS

[API] = resources("AWS::Serverless::WebSocketApi").values()


def test_every_event_of_a_connection_reaches_realtime() -> None:
    assert set(API["Routes"]) == {"$connect", "$disconnect", "$default"}
    for route in API["Routes"].values():
        assert route["FunctionArn"] == {"Ref": "RealtimeFunction.Alias"}


def test_invalid_actions_reach_the_function() -> None:
    # Actions have no routes of their own, so that the function returns the error.
    assert API["RouteSelectionExpression"] == "$request.body.action"
    assert all(key.startswith("$") for key in API["Routes"])


def test_api_gateway_does_not_log_messages_and_tickets() -> None:
    assert not {"DataTraceEnabled", "LoggingLevel"} & set(API["DefaultRouteSettings"])


def test_functions_send_to_the_endpoint_on_which_connections_are_opened() -> None:
    urls = {str(variables(functions()[name])["WEBSOCKET_API_URL"]) for name in ("notifier", "realtime")}
    assert len(urls) == 1
    deployed = variables(functions()["notifier"])["WEBSOCKET_API_URL"]["Fn::If"]
    outputs = template()["Outputs"]["WebSocketUrl"]["Value"]["Fn::If"]
    for client_url, function_url in zip(outputs[1:], deployed[1:], strict=True):
        assert client_url["Fn::Sub"] == function_url["Fn::Sub"].replace("https://", "wss://")


def test_execute_api_endpoint_is_disabled_with_a_custom_domain() -> None:
    assert API["DisableExecuteApiEndpoint"] == {"Fn::If": ["HasWebSocketDomain", True, False]}
    for name in ("WebSocketDomain", "WebSocketDomainMapping"):
        assert template()["Resources"][name]["Condition"] == "HasWebSocketDomain"


def test_notifier_reads_only_the_events_queue() -> None:
    [source] = functions()["notifier"]["Events"].values()
    assert queue_of(source["Properties"]) == "EventsQueue"


def test_closed_connection_is_kept_for_the_idle_timeout_of_api_gateway() -> None:
    assert NOTICED_SECONDS == 10 * 60
