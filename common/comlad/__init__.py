"""Compressed, coded, Byzantine-robust distributed training: the arithmetic and every decision.

Pure functions of configuration, state and messages: no socket, clock, thread or global
randomness. Files are read in two places: the experiment's and its data's.

`comlad.experiment` reads what is to be run, `comlad.rounds` runs a round of it,
`comlad.wire` turns its values into bytes and distrusts the bytes of others. The
parts an experiment is made of are in `problems`, `coding`, `estimators`,
`compression`, `attacks`, `aggregation` and `steps`.
"""
