"""The registry: gates, the ledger, promotion, and MLflow's registry as a projection of the ledger.

Measuring and asking the user's files is the verbs' work; here are the rules and the record.
"""
