"""What is true of a video job, whatever stores, queues or draws it; standard library only."""
