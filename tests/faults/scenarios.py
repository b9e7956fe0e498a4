"""What goes wrong, as stories; the tests tell them to the product, and to its mutants."""

from collections.abc import Sequence

from tests.faults.posts import Post
from tests.faults.processes import WorkerProcess
from tests.faults.queues import FUNCTION_OF, Message
from tests.faults.system_under_test import LEASE_SECONDS, SystemUnderTest
from tests.faults.watched_ports import Fault


def before(call: str, do: str = "crash", nth: int = 1) -> Fault:
    """A fault just before an effect: `before("store.put")`."""
    port, _, method = call.partition(".")
    return Fault(_FACTORIES[port], method, do, nth=nth)


def after(call: str, do: str = "crash", nth: int = 1) -> Fault:
    """A fault just after an effect."""
    port, _, method = call.partition(".")
    return Fault(_FACTORIES[port], method, do, after=True, nth=nth)


_FACTORIES = {
    "jobs": "job_repository",
    "circuits": "circuit_repository",
    "slots": "slot_repository",
    "queue": "job_queue",
    "notifier": "notifier",
    "store": "video_store",
    "provider": "video_provider",
    "renderer": "video_renderer",
}


def crash_once(sut: SystemUnderTest, function: str, fault: Fault) -> Post:
    """A job whose worker dies at a named point; everything else goes well."""
    process = sut.arm(function, fault)
    post = sut.post()
    sut.run()
    assert not process.alive, f"{fault} was never reached"
    return post


def stop_and_take_over(sut: SystemUnderTest, fault: Fault, *, takes_over: Sequence[Fault] = ()) -> Post:
    """A worker stops in the middle of `start`; its lease runs out and another takes over; then it wakes up."""
    sleeper, other = sut.start("worker", fault), sut.start("worker", *takes_over)
    post = sut.post()
    message = sut.take()
    assert sut.deliver(message, at=sleeper).paused
    sut.pass_time(LEASE_SECONDS + 1)
    taken_over = sut.deliver(message, at=other)
    wake(sleeper)
    if taken_over.paused:
        wake(other)
    sut.run()
    return post


def wake(process: WorkerProcess) -> None:
    """A process that was stopped goes on, and finishes what it was at."""
    while process.resume().paused:
        pass


def wake_after_the_end(sut: SystemUnderTest) -> Post:
    """A worker hears that the video is done, stops, and wakes up when the job has long failed for being late."""
    sut.yields_pixels = False
    post = sut.post()
    for _ in range(2):
        sut.deliver(sut.take())
        sut.pass_time(6)
    sleeper = sut.start("worker", after("provider.poll", "pause"))
    assert sut.deliver(sut.take(), at=sleeper).paused
    sut.pass_time(sut.deadline.total_seconds())
    sut.run()
    wake(sleeper)
    sut.run()
    return post


def the_same_message_at_once(sut: SystemUnderTest, times: int = 16) -> Post:
    """Lambda hands one message to many workers: threads of one process, and two more processes."""
    post = sut.post()
    message = sut.take()
    others = [sut.start("worker") for _ in range(2)]
    for process in others:
        process.begin(sut.batch(message), sut.now)
    sut.deliver(message, times=times)
    for process in others:
        sut.settle([message], process.finish())
    sut.run()
    return post


def a_message_comes_again_much_later(sut: SystemUnderTest) -> Post:
    """Each message is delivered once more when its step is long over, while another step is next."""
    post = sut.post()
    first = sut.take()
    sut.deliver(first)
    sut.pass_time(6)
    second = sut.take()
    sut.deliver(first)
    sut.deliver(second)
    sut.deliver(first)
    sut.deliver(second)
    sut.run()
    return post


def an_object_is_cut_short(sut: SystemUnderTest, content: bytes | None = b"video of nobody") -> Post:
    """Between the upload and the finish, what lies in the bucket is replaced by less, or by nothing."""
    post = sut.post()
    sut.run_to(post.job_id, "finish")
    video = sut.job(post.job_id)["output"]
    if content is None:
        sut.s3.delete_object(Bucket=video["bucket"], Key=video["key"])
    else:
        sut.s3.put_object(Bucket=video["bucket"], Key=video["key"], Body=content)
    sut.run()
    return post


def the_same_request_at_once(sut: SystemUnderTest, times: int = 16) -> list[Post]:
    """One POST with one key, many times at once, from threads of one process and from two more."""
    key, prompt = "one-key", "the same"
    others = [sut.start("generate") for _ in range(2)]
    for process in others:
        process.begin(sut.post_event(prompt, key), sut.now)
    sut.post(prompt, key=key, times=times)
    for process in others:
        sut.acknowledge(prompt, key, process.finish())
    sut.run()
    return sut.posts


def everything_is_lost(sut: SystemUnderTest) -> Post:
    """A job in processing whose worker has died and whose message is gone."""
    post = sut.post()
    sut.deliver(sut.take())
    sut.pass_time(6)
    assert sut.deliver(sut.take(), at=sut.start("worker", after("provider.poll"))).crashed
    sut.queues.purge("JobsQueue")
    sut.run()
    return post


def a_dead_letter_while_somebody_works(sut: SystemUnderTest) -> Post:
    """SQS gives a message up (it was received too often) while a worker is busy with its very step."""
    post = sut.post()
    message = sut.take()
    busy = sut.start("worker", after("provider.submit", "pause"))
    assert sut.deliver(message, at=busy).paused
    sut.queues.send("DeadLetterQueue", message.body)
    sut.sweep()
    sut.settle([message], busy.resume())
    sut.run()
    return post


def the_provider_never_ends(sut: SystemUnderTest) -> Post:
    """Each poll is told to wait a little longer."""
    sut.provider.outcome, sut.provider.poll_after = "never", 120
    post = sut.post()
    sut.run()
    return post


def the_provider_always_fails(sut: SystemUnderTest) -> Post:
    """Each generation is taken, charged for, and given up."""
    sut.provider.outcome = "fails"
    post = sut.post()
    sut.run()
    return post


def cancel_while_stopped(
    sut: SystemUnderTest, step: str, fault: Fault, *, beyond_its_lease: bool = False
) -> tuple[Post, int]:
    """Somebody stops in the middle of a step; its user cancels; then whoever it was wakes up. What the user is told.

    With `beyond_its_lease` it wakes when another worker has cleaned up already.
    """
    post = sut.post()
    if step != "start":
        sut.run_to(post.job_id, step)
    sleeper = sut.start("render" if step == "render" else "worker", fault)
    assert sut.deliver(next_message(sut), at=sleeper).paused
    told = sut.wish("cancel", post.job_id)
    assert told is not None
    if beyond_its_lease:
        sut.pass_time(LEASE_SECONDS)
        sut.run()
    wake(sleeper)
    sut.run()
    return post, told


def next_message(sut: SystemUnderTest) -> Message:
    """The one message there is, as soon as it can be seen."""
    while True:
        for queue in FUNCTION_OF:
            if visible := sut.queues.receive(queue):
                (message,) = visible
                return message
        sut.pass_time(1)
