"""Normal use at random, against a plain model of what a store has to answer.

Sequences of every kind of write, import, INSERT and DELETE, of every verb of the lifecycle, of
consumers and of reads. What the store answers is compared with a model in plain Python: nothing
missing, nothing twice, in order, versions right, counts equal, and an error only where one is
allowed. With ``--threads`` the lifecycle and TimescaleDB's own compression are at work meanwhile,
in threads and in processes of their own, and so are readers.

``python -m proof.model --dsn DSN --seconds 60 --seed 1``
"""
