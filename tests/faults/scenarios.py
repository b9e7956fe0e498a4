"""What goes wrong, as stories; the tests tell them to the product, and to its mutants."""

from collections.abc import Sequence

from tests.faults.posts import Post
from tests.faults.processes import WorkerProcess
from tests.faults.queues import FUNCTION_OF, Message
from tests.faults.watched_ports import Fault
from tests.faults.world import LEASE_SECONDS, World


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
    "shares": "share_repository",
    "queue": "job_queue",
    "notifier": "notifier",
    "store": "video_store",
    "provider": "video_provider",
    "renderer": "video_renderer",
}


def crash_once(world: World, function: str, fault: Fault) -> Post:
    """A job whose worker dies at a named point; everything else goes well."""
    process = world.arm(function, fault)
    post = world.post()
    world.run()
    assert not process.alive, f"{fault} was never reached"
    return post


def stop_and_take_over(world: World, fault: Fault, *, takes_over: Sequence[Fault] = ()) -> Post:
    """A worker stops in the middle of `start`; its lease runs out and another takes over; then it wakes up."""
    sleeper, other = world.start("worker", fault), world.start("worker", *takes_over)
    post = world.post()
    message = world.take()
    assert world.deliver(message, at=sleeper).paused
    world.pass_time(LEASE_SECONDS + 1)
    taken_over = world.deliver(message, at=other)
    wake(sleeper)
    if taken_over.paused:
        wake(other)
    world.run()
    return post


def wake(process: WorkerProcess) -> None:
    """A process that was stopped goes on, and finishes what it was at."""
    while process.resume().paused:
        pass


def wake_after_the_end(world: World) -> Post:
    """A worker hears that the video is done, stops, and wakes up when the job has long failed for being late."""
    world.yields_pixels = False
    post = world.post()
    for _ in range(2):
        world.deliver(world.take())
        world.pass_time(6)
    sleeper = world.start("worker", after("provider.poll", "pause"))
    assert world.deliver(world.take(), at=sleeper).paused
    world.pass_time(world.deadline.total_seconds())
    world.run()
    wake(sleeper)
    world.run()
    return post


def the_same_message_at_once(world: World, times: int = 16) -> Post:
    """Lambda hands one message to many workers: threads of one process, and two more processes."""
    post = world.post()
    message = world.take()
    others = [world.start("worker") for _ in range(2)]
    for process in others:
        process.begin(world.batch(message), world.now)
    world.deliver(message, times=times)
    for process in others:
        world.settle([message], process.finish())
    world.run()
    return post


def a_message_comes_again_much_later(world: World) -> Post:
    """Each message is delivered once more when its step is long over, while another step is next."""
    post = world.post()
    first = world.take()
    world.deliver(first)
    world.pass_time(6)
    second = world.take()
    world.deliver(first)
    world.deliver(second)
    world.deliver(first)
    world.deliver(second)
    world.run()
    return post


def an_object_is_cut_short(world: World, content: bytes | None = b"video of nobody") -> Post:
    """Between the upload and the finish, what lies in the bucket is replaced by less, or by nothing."""
    post = world.post()
    world.run_to(post.job_id, "finish")
    video = world.job(post.job_id)["output"]
    if content is None:
        world.s3.delete_object(Bucket=video["bucket"], Key=video["key"])
    else:
        world.s3.put_object(Bucket=video["bucket"], Key=video["key"], Body=content)
    world.run()
    return post


def the_same_request_at_once(world: World, times: int = 16) -> list[Post]:
    """One POST with one key, many times at once, from threads of one process and from two more."""
    key, prompt = "one-key", "the same"
    others = [world.start("generate") for _ in range(2)]
    for process in others:
        process.begin(world.post_event(prompt, key), world.now)
    world.post(prompt, key=key, times=times)
    for process in others:
        world.acknowledge(prompt, key, process.finish())
    world.run()
    return world.posts


def everything_is_lost(world: World) -> Post:
    """A job in processing whose worker has died and whose message is gone."""
    post = world.post()
    world.deliver(world.take())
    world.pass_time(6)
    assert world.deliver(world.take(), at=world.start("worker", after("provider.poll"))).crashed
    world.queues.purge("JobsQueue")
    world.run()
    return post


def a_dead_letter_while_somebody_works(world: World) -> Post:
    """SQS gives a message up (it was received too often) while a worker is busy with its very step."""
    post = world.post()
    message = world.take()
    busy = world.start("worker", after("provider.submit", "pause"))
    assert world.deliver(message, at=busy).paused
    world.queues.send("DeadLetterQueue", message.body)
    world.sweep()
    world.settle([message], busy.resume())
    world.run()
    return post


def the_provider_never_ends(world: World) -> Post:
    """Each poll is told to wait a little longer."""
    world.provider.outcome, world.provider.poll_after = "never", 120
    post = world.post()
    world.run()
    return post


def the_provider_always_fails(world: World) -> Post:
    """Each generation is taken, charged for, and given up."""
    world.provider.outcome = "fails"
    post = world.post()
    world.run()
    return post


def cancel_while_stopped(world: World, step: str, fault: Fault, *, beyond_its_lease: bool = False) -> tuple[Post, int]:
    """Somebody stops in the middle of a step; its user cancels; then whoever it was wakes up. What the user is told.

    With `beyond_its_lease` it wakes when another worker has cleaned up already.
    """
    post = world.post()
    if step != "start":
        world.run_to(post.job_id, step)
    sleeper = world.start("render" if step == "render" else "worker", fault)
    assert world.deliver(next_message(world), at=sleeper).paused
    told = world.wish("cancel", post.job_id)
    assert told is not None
    if beyond_its_lease:
        world.pass_time(LEASE_SECONDS)
        world.run()
    wake(sleeper)
    world.run()
    return post, told


def next_message(world: World) -> Message:
    """The one message there is, as soon as it can be seen."""
    while True:
        for queue in FUNCTION_OF:
            if visible := world.queues.receive(queue):
                (message,) = visible
                return message
        world.pass_time(1)
