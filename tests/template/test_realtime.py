"""The WebSocket API: every event reaches one function, nothing that is said is written down."""

from tests.template.parsed import functions, queue_of, resources, template, variables
from videojobs.adapters.mongo.indexes import NOTICED_SECONDS

[API] = resources("AWS::Serverless::WebSocketApi").values()


def test_every_event_of_a_connection_reaches_realtime() -> None:
    assert set(API["Routes"]) == {"$connect", "$disconnect", "$default"}
    for route in API["Routes"].values():
        assert route["FunctionArn"] == {"Ref": "RealtimeFunction.Alias"}


def test_no_action_has_a_route_of_its_own_so_that_nonsense_is_answered_in_our_words() -> None:
    assert API["RouteSelectionExpression"] == "$request.body.action"
    assert all(key.startswith("$") for key in API["Routes"])


def test_no_message_and_no_ticket_is_logged_by_api_gateway() -> None:
    assert not {"DataTraceEnabled", "LoggingLevel"} & set(API["DefaultRouteSettings"])


def test_a_connection_is_told_of_changes_where_it_was_opened() -> None:
    told = {str(variables(functions()[name])["WEBSOCKET_API_URL"]) for name in ("notifier", "realtime")}
    assert len(told) == 1
    [condition, local, deployed] = variables(functions()["notifier"])["WEBSOCKET_API_URL"]["Fn::If"]
    assert (condition, local["Fn::Sub"].startswith("${AwsEndpointUrl}/")) == ("IsLocal", True)
    outputs = template()["Outputs"]["WebSocketUrl"]["Value"]["Fn::If"]
    for opened, spoken_over in zip(outputs[1:], deployed["Fn::If"][1:], strict=True):
        assert opened["Fn::Sub"] == spoken_over["Fn::Sub"].replace("https://", "wss://")


def test_the_execute_api_address_is_off_where_there_is_a_domain() -> None:
    assert API["DisableExecuteApiEndpoint"] == {"Fn::If": ["HasWebSocketDomain", True, False]}
    for name in ("WebSocketDomain", "WebSocketDomainMapping"):
        assert template()["Resources"][name]["Condition"] == "HasWebSocketDomain"


def test_the_notifier_alone_reads_events() -> None:
    [source] = functions()["notifier"]["Events"].values()
    assert queue_of(source["Properties"]) == "EventsQueue"


def test_a_connection_that_is_over_is_remembered_as_long_as_api_gateway_keeps_an_idle_one() -> None:
    assert NOTICED_SECONDS == 10 * 60
