"""The shapes of answers; `api/openapi` makes the document's schemas of them."""

from typing import Literal, TypedDict


class AcceptedData(TypedDict):
    """A job that was just taken on."""

    jobId: str
    status: str


class AcceptedEnvelope(TypedDict):
    """The answer to a request that made a job."""

    success: Literal[True]
    data: AcceptedData


class BatchAcceptedData(TypedDict):
    """A batch that was just taken on: its jobs in the order of the request."""

    batchId: str
    items: list[AcceptedData]


class BatchAcceptedEnvelope(TypedDict):
    """The answer to a request that made a batch."""

    success: Literal[True]
    data: BatchAcceptedData


class OutputData(TypedDict):
    """What was made: its true length, its size in pixels and bytes, and of how many generations it is joined."""

    seconds: int | float
    width: int
    height: int
    bytes: int
    segments: int


class CostData(TypedDict):
    """What the provider said that it cost."""

    amount: float
    currency: Literal["USD"]


class EstimateData(CostData):
    """What it should cost, by prices that were published at that date."""

    pricesAsOf: str | None


class VideoJobData(TypedDict):
    """A job as its owner sees it; one that the Express server wrote may lack what the types here allow to be null."""

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


class VideoJobEnvelope(TypedDict):
    """The answer to a question about a job."""

    success: Literal[True]
    data: VideoJobData


class TicketData(TypedDict):
    """A ticket that opens one live connection, and when it is over."""

    ticket: str
    expiresAt: str


class TicketEnvelope(TypedDict):
    """The answer to a request for a ticket."""

    success: Literal[True]
    data: TicketData


class VideoJobListData(TypedDict):
    """A page of jobs, the newest first; `nextCursor` leads to the next one."""

    items: list[VideoJobData]
    nextCursor: str | None


class VideoJobListEnvelope(TypedDict):
    """The answer to a question about all jobs."""

    success: Literal[True]
    data: VideoJobListData


class BatchCounts(TypedDict):
    """How many of a batch's jobs have each status."""

    queued: int
    processing: int
    completed: int
    failed: int
    cancelled: int


class BatchData(TypedDict):
    """A batch as its owner sees it: `total` jobs were asked for, those that were deleted since are counted nowhere."""

    batchId: str
    createdAt: str
    total: int
    counts: BatchCounts


class BatchEnvelope(TypedDict):
    """The answer to a question about a batch."""

    success: Literal[True]
    data: BatchData


class ErasureData(TypedDict):
    """What is removed goes on being removed."""

    status: Literal["erasing"]


class ErasureEnvelope(TypedDict):
    """The answer to the wish to remove more than can be removed at once."""

    success: Literal[True]
    data: ErasureData


class CallbackData(TypedDict):
    """The same for every callback that is signed, whatever comes of it."""

    accepted: Literal[True]


class CallbackEnvelope(TypedDict):
    """The answer to a provider's callback."""

    success: Literal[True]
    data: CallbackData
