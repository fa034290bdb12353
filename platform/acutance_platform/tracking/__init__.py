"""Tracking: the local MLflow server and the projection of journals into MLflow runs.

MLflow itself takes seconds to import and is imported only when something is shipped.
"""
