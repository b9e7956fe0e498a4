"""Types of the response bodies; `tools/apidocs` generates the OpenAPI schemas from them."""

from typing import Literal, TypedDict


class AcceptedData(TypedDict):
    """A job that was accepted."""

    jobId: str
    status: str


class AcceptedEnvelope(TypedDict):
    """The response to a request that created a job."""

    success: Literal[True]
    data: AcceptedData


class BatchAcceptedData(TypedDict):
    """A batch that was accepted, with its jobs in the order of the request."""

    batchId: str
    items: list[AcceptedData]


class BatchAcceptedEnvelope(TypedDict):
    """The response to a request that created a batch."""

    success: Literal[True]
    data: BatchAcceptedData


class OutputData(TypedDict):
    """The finished video: its actual length, its size in pixels and bytes, and the number of its segments."""

    seconds: int | float
    width: int
    height: int
    bytes: int
    segments: int
    missingScripts: list[str]


class CostData(TypedDict):
    """The cost that the provider reported."""

    amount: float
    currency: Literal["USD"]


class EstimateData(CostData):
    """The expected cost, based on the prices published at `pricesAsOf`."""

    pricesAsOf: str | None


class VideoJobData(TypedDict):
    """A job as its owner sees it. Nullable fields may be null in jobs that the former Express server created."""

    jobId: str
    status: str
    videoUrl: str | None
    errorMessage: str | None
    prompt: str | None
    style: str | None
    duration: int | float | None
    aspectRatio: str | None
    createdAt: str
    updatedAt: str
    progress: int | float | None
    posterUrl: str | None
    previewUrl: str | None
    priority: str
    batchId: str | None
    estimatedSecondsLeft: int | None
    queuePosition: int | None
    version: int
    provider: str | None
    promptShortened: bool
    output: OutputData | None
    estimatedCost: EstimateData | None
    actualCost: CostData | None
    seed: int | None
    negativePrompt: str | None
    sound: bool
    resolution: str
    ignored: list[str]


class VideoJobEnvelope(TypedDict):
    """The response to a request for a job."""

    success: Literal[True]
    data: VideoJobData


class TicketData(TypedDict):
    """A ticket that opens one live connection, and its expiry."""

    ticket: str
    expiresAt: str


class TicketEnvelope(TypedDict):
    """The response to a request for a ticket."""

    success: Literal[True]
    data: TicketData


class VideoJobListData(TypedDict):
    """A page of jobs, newest first. `nextCursor` is the cursor of the next page, or null on the last page."""

    items: list[VideoJobData]
    nextCursor: str | None


class VideoJobListEnvelope(TypedDict):
    """The response to a request for a list of jobs."""

    success: Literal[True]
    data: VideoJobListData


class BatchCounts(TypedDict):
    """The number of the batch's jobs in each status."""

    queued: int
    processing: int
    completed: int
    failed: int
    cancelled: int


class BatchData(TypedDict):
    """A batch as its owner sees it. `total` is the number of requested jobs; `counts` excludes deleted jobs."""

    batchId: str
    createdAt: str
    total: int
    counts: BatchCounts


class BatchEnvelope(TypedDict):
    """The response to a request for a batch."""

    success: Literal[True]
    data: BatchData


class ErasureData(TypedDict):
    """The state of an erasure that continues in the background."""

    status: Literal["erasing"]


class ErasureEnvelope(TypedDict):
    """The response to a request to erase more videos than can be erased within the request."""

    success: Literal[True]
    data: ErasureData


class CallbackData(TypedDict):
    """The result of a callback; the same for every callback with a valid signature."""

    accepted: Literal[True]


class CallbackEnvelope(TypedDict):
    """The response to a provider's callback."""

    success: Literal[True]
    data: CallbackData
