"""The device programs, honest and Byzantine: carry `comlad.rounds.device_messages` over gRPC."""
