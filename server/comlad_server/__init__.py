"""The parameter server: carries the values of `comlad.rounds` over gRPC.

It owns the connections, the waiting, the deadlines and the files; every decision of a
round is taken in `comlad`.
"""
