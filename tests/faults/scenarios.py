"""Fault scenarios that the tests run against the product and against its mutants."""

from collections.abc import Sequence

from tests.faults.posts import Post
from tests.faults.processes import WorkerProcess
from tests.faults.queues import FUNCTION_OF, Message
from tests.faults.system_under_test import LEASE_SECONDS, SystemUnderTest
from tests.faults.watched_ports import Fault


def before(call: str, do: str = "crash", nth: int = 1) -> Fault:
    """Return a fault just before the nth call of a port, for example `before("store.put")`."""
    port, _, method = call.partition(".")
    return Fault(_FACTORIES[port], method, do, nth=nth)


def after(call: str, do: str = "crash", nth: int = 1) -> Fault:
    """Return a fault just after the nth call of a port."""
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
    """Run a job whose process crashes once at the fault. Return its request."""
    process = sut.arm(function, fault)
    post = sut.post()
    sut.run()
    assert not process.alive, f"{fault} was never reached"
    return post


def stop_and_take_over(sut: SystemUnderTest, fault: Fault, *, takes_over: Sequence[Fault] = ()) -> Post:
    """Pause a worker during the step `start`, let another one take over after the lease has expired, and resume it."""
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
    """Resume a paused process until it finishes."""
    while process.resume().paused:
        pass


def wake_after_the_end(sut: SystemUnderTest) -> Post:
    """Pause a worker after it has polled a finished video, and resume it after the job has failed at its deadline."""
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


def deliver_a_message_concurrently(sut: SystemUnderTest, times: int = 16) -> Post:
    """Deliver one message to many workers concurrently: threads of one process and two more processes."""
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


def redeliver_messages_late(sut: SystemUnderTest) -> Post:
    """Deliver each message again after its step has ended, while another step is next."""
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


def truncate_the_uploaded_object(sut: SystemUnderTest, content: bytes | None = b"truncated") -> Post:
    """Replace the uploaded object with `content`, or delete it for None, before the step `finish`."""
    post = sut.post()
    sut.run_to(post.job_id, "finish")
    video = sut.job(post.job_id)["output"]
    if content is None:
        sut.s3.delete_object(Bucket=video["bucket"], Key=video["key"])
    else:
        sut.s3.put_object(Bucket=video["bucket"], Key=video["key"], Body=content)
    sut.run()
    return post


def repeat_a_request_concurrently(sut: SystemUnderTest, times: int = 16) -> list[Post]:
    """Send one POST with one idempotency key many times concurrently, from three processes. Return all posts."""
    key, prompt = "one-key", "the same"
    others = [sut.start("generate") for _ in range(2)]
    for process in others:
        process.begin(sut.post_event(prompt, key), sut.now)
    sut.post(prompt, key=key, times=times)
    for process in others:
        sut.acknowledge(prompt, key, process.finish())
    sut.run()
    return sut.posts


def lose_worker_and_message(sut: SystemUnderTest) -> Post:
    """Crash the worker of a job in processing and purge its message."""
    post = sut.post()
    sut.deliver(sut.take())
    sut.pass_time(6)
    assert sut.deliver(sut.take(), at=sut.start("worker", after("provider.poll"))).crashed
    sut.queues.purge("JobsQueue")
    sut.run()
    return post


def dead_letter_during_a_step(sut: SystemUnderTest) -> Post:
    """Send a message to the dead-letter queue while a worker is executing its step."""
    post = sut.post()
    message = sut.take()
    busy = sut.start("worker", after("provider.submit", "pause"))
    assert sut.deliver(message, at=busy).paused
    sut.queues.send("DeadLetterQueue", message.body)
    sut.sweep()
    sut.settle([message], busy.resume())
    sut.run()
    return post


def run_with_a_provider_that_never_finishes(sut: SystemUnderTest) -> Post:
    """Run a job whose provider never finishes."""
    sut.provider.outcome, sut.provider.poll_after = "never", 120
    post = sut.post()
    sut.run()
    return post


def run_with_a_provider_that_always_fails(sut: SystemUnderTest) -> Post:
    """Run a job whose provider charges for each task and then fails."""
    sut.provider.outcome = "fails"
    post = sut.post()
    sut.run()
    return post


def cancel_while_stopped(
    sut: SystemUnderTest, step: str, fault: Fault, *, beyond_its_lease: bool = False
) -> tuple[Post, int]:
    """Pause a process during a step, cancel the job, and resume the process. Return the post and the cancel's status.

    With `beyond_its_lease` the process resumes after its lease has expired and another worker has cleaned up.
    """
    post = sut.post()
    if step != "start":
        sut.run_to(post.job_id, step)
    sleeper = sut.start("render" if step == "render" else "worker", fault)
    assert sut.deliver(next_message(sut), at=sleeper).paused
    status = sut.control("cancel", post.job_id)
    assert status is not None
    if beyond_its_lease:
        sut.pass_time(LEASE_SECONDS)
        sut.run()
    wake(sleeper)
    sut.run()
    return post, status


def next_message(sut: SystemUnderTest) -> Message:
    """Let time pass until a message is visible, and return it. Only one message may exist."""
    while True:
        for queue in FUNCTION_OF:
            if visible := sut.queues.receive(queue):
                (message,) = visible
                return message
        sut.pass_time(1)
